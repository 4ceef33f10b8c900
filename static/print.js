// What stands above a printed page: where it is from and when it was printed. The server has written what it knew.
import { moment } from "./times.js";

addEventListener("beforeprint", () => {
  const head = document.querySelector(".printed");
  head.querySelector("span").textContent = location.href;
  const time = head.querySelector("time");
  time.dateTime = new Date().toISOString();
  time.textContent = moment(new Date(), { dateStyle: "medium", timeStyle: "short" });
});

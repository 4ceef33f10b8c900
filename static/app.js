// What the pages do beyond what htmx does by itself. Every page works without any of it, short of being live.
import "./live.js";
import "./rows.js";
import "./navigation.js";
import "./forms.js";
import "./copy.js";
import "./dialogs.js";
import "./keys.js";
import "./palette.js";
import "./times.js";
import "./print.js";
import "./charts.js";
import "./copy.js";
import "./every.js";
import "./passkeys.js";
import "./bell.js";

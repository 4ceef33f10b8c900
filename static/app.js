// What the pages do beyond what htmx does by itself. Every page works without any of it, short of being live.
import "./live.js";
import "./navigation.js";
import "./forms.js";
import "./dialogs.js";
import "./keys.js";
import "./times.js";
import "./charts.js";
import "./passkeys.js";
import "./bell.js";

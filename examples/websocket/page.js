import { Kato } from "http://127.0.0.1:8000/static/kato.js";

const kato = new Kato("ws://127.0.0.1:8000/ws");
const p1 = { processor: "p1" };

const show = (id, text) => (document.getElementById(id).innerText = text);
const entry = ({ event, share }) => `${event.join(" ")}: ${share}`;
const tell = (forecast) => show("next", forecast.map(entry).join("\n"));

kato.addEventListener("state", ({ detail }) => show("state", `${detail.state} ${detail.reason}`));

kato.subscribe("p1", {
  topics: ["predictions"],
  onFresh: async () => tell((await kato.request("get_forecast", {}, p1)).forecast),
  onEvent: ({ event, data }) => event === "predictions" && tell(data.forecast),
  onError: ({ message }) => show("state", message),
});

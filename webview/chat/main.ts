import "@vscode-elements/elements/dist/vscode-button/index.js";
import "@vscode-elements/elements/dist/vscode-progress-bar/index.js";
import { ChatView } from "./chatView";
import { vsCodeHost } from "./host";
import { speak, type Texts, TEXTS_ID } from "./texts";
import "./style/index.css";

const block = document.getElementById(TEXTS_ID);
if (block !== null) {
  // Elements draw in a microtask, which is after this script.
  speak(document.documentElement.lang, JSON.parse(block.textContent) as Texts);
}

const view = document.querySelector("hearth-chat");
if (!(view instanceof ChatView)) {
  throw new Error("the page of page.ts holds a hearth-chat");
}
view.connect(vsCodeHost());

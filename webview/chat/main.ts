import "@vscode-elements/elements/dist/vscode-button/index.js";
import "@vscode-elements/elements/dist/vscode-progress-bar/index.js";
import { ChatView } from "./chatView";
import { vsCodeHost } from "./host";
import "./style/index.css";

const view = document.querySelector("hearth-chat");
if (!(view instanceof ChatView)) {
  throw new Error("the page of page.ts holds a hearth-chat");
}
view.connect(vsCodeHost());

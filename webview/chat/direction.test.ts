import assert from "node:assert/strict";
import { directionOf } from "./direction";

describe("The direction of a text", () => {
  it("is that of its first letter", () => {
    const texts = ["", "1. (", "a שלום", "שלום a", "1. «مرحبا»", "𐤀", "𞤀", "中", "\u202Ea", "1 + 2"];
    const directions = ["ltr", "ltr", "ltr", "rtl", "rtl", "rtl", "rtl", "ltr", "ltr", "ltr"];
    assert.deepEqual(
      texts.map((text) => directionOf(text)),
      directions,
    );
  });

  it("is found inside of spans", () => {
    const link = { kind: "link", href: "https://a.example", children: [{ kind: "text", text: "שלום" }] } as const;
    const strong = { kind: "strong", children: [{ kind: "text", text: "12" }] } as const;
    assert.equal(directionOf([{ kind: "break" }, strong, link, { kind: "text", text: "a" }]), "rtl");
    assert.equal(directionOf([{ kind: "code", text: "a" }, link]), "ltr");
  });
});

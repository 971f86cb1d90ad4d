import assert from "node:assert/strict";
import { isBinary, secretContentRule } from "./secretContent";
import { processorMs } from "../../../test/fixtures/processorTime";

/** Not one: the letters are made up. */
const BASE64 = "MIIEpAIBAAKCAQEA7bq0e2fakefakefakefakefakefakefakefake";
const begin = (kind: string): string => ["-----BEGIN ", kind, "PRIVATE KEY-----"].join("");

describe("private keys, by content", () => {
  const keys: readonly [what: string, text: string, line: number][] = [
    ["PKCS #8", `${begin("")}\n${BASE64}\n`, 1],
    ["behind a byte order mark", `\uFEFF${begin("RSA ")}\nabc`, 1],
    ["OpenSSH", `# mine\n\n${begin("OPENSSH ")}\nb3BlbnNzaC1rZXktdjEA\n`, 3],
    ["EC with CRLF", `x\r\n${begin("EC ")}\r\nMHcCAQEE\r\n`, 2],
    ["encrypted", `${begin("ENCRYPTED ")}\n${BASE64}`, 1],
    ["OpenPGP", `${["-----BEGIN PGP PRIVATE KEY ", "BLOCK-----"].join("")}\n\nlQOYBF`, 1],
    ["RFC 4716", `${["---- BEGIN SSH2 ENCRYPTED ", "PRIVATE KEY ----"].join("")}\nComment`, 1],
    ["in YAML", `key: |\n    ${begin("RSA ")}\n    ${BASE64}\n`, 2],
    ["in JSON", `{\n  "private_key": "${begin("")}\\n${BASE64}\\n"\n}`, 2],
    ["in code, line by line", `const key = "${begin("")}\\n" +\n  "${BASE64}\\n";`, 1],
    ["in a shell's string", `KEY="${begin("RSA ")}\n${BASE64}"`, 1],
    ["in code, with a password", `k = """${begin("RSA ")}\nProc-Type: 4,ENCRYPTED\n`, 1],
    ["PuTTY", "PuTTY-User-Key-File-3: ssh-ed25519\n", 1],
    ["age", `# created\n${["AGE-SECRET-KEY-1", "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L"].join("")}\n`, 2],
  ];
  for (const [what, text, line] of keys) {
    it(`are found: ${what}`, () => {
      assert.equal(secretContentRule(text), `a private key stands in line ${line}`);
    });
  }

  it("are not what only speaks of them", () => {
    const texts = [
      `if (text.startsWith("${begin("")}")) {\n  throwThatThisIsNoPublicKey();\n}\n`,
      `const HEADER = /${begin("(RSA )?")}/;\n`,
      `// ${begin("")} is how it begins\n`,
      `key = "${begin("")}\\nYOUR_KEY\\n"`,
      "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A\n",
      "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkq\n",
      "AGE-SECRET-KEY-1 is followed by 58 characters",
    ];
    assert.deepEqual(
      texts.filter((text) => secretContentRule(text) !== undefined),
      [],
    );
  });

  it("are looked for in linear time", () => {
    const started = processorMs();
    secretContentRule(
      `BEGIN ${" ".repeat(500_000)}${"\n".repeat(500_000)}${begin("").slice(0, -1)}${"-".repeat(500_000)}`,
    );
    secretContentRule(`"${begin("")}"`.repeat(20_000));
    assert.ok(processorMs() - started < 2000);
  });
});

describe("binary files", () => {
  it("have a zero byte near their beginning, and no mark of UTF-16", () => {
    assert.ok(isBinary(new Uint8Array([0x89, 0x50, 0, 1])));
    assert.ok(!isBinary(new TextEncoder().encode("text")));
    assert.ok(!isBinary(new Uint8Array([0xff, 0xfe, 0x61, 0])));
    assert.ok(!isBinary(new Uint8Array()));
  });
});

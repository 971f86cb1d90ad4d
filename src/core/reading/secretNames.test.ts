import assert from "node:assert/strict";
import { secretNameRule } from "./secretNames";

const SECRET = `
.env .ENV .env.local .env.production .env~ .env-prod prod.env config/app.env Docker.Env .envrc .Renviron .dev.vars
prod.tfvars prod.auto.tfvars.json terraform.tfstate terraform.tfstate.backup
credentials credentials.json Credentials.JSON google-credentials.json aws_credentials.csv credentials.yml.enc
client_secret_42.json service-account.json my_service_account_key.json
secrets.yaml secret.json db.secret .secrets app-secrets.toml
.npmrc .netrc _netrc .pgpass pgpass.conf .pypirc .my.cnf .htpasswd .git-credentials .vault-token prod.kubeconfig
/home/a/.docker/config.json /home/a/.kube/config repo/.git/config /etc/shadow .bash_history .psql_history
id_rsa id_rsa.bak id_ed25519 id_ecdsa_sk deploy_id_rsa deploy_rsa ssh_host_rsa_key server.key SERVER.PEM AuthKey_1.p8 putty.ppk
app.jks release.keystore cert.p12 cert.pfx passwords.kdbx key.properties wallet.dat
/home/a/.ssh/config C:\\Users\\a\\.ssh\\known_hosts /home/a/.aws/credentials .aws/config .gnupg/pubring.kbx
C:\\work\\.env sub\\id_rsa
`;

const FINE = `
.env.example .env.sample .env.template .env.local.example .env.dist terraform.tfvars.example credentials.json.sample
id_rsa.pub deploy_ed25519.pub
environment.ts env.ts envrc.md dotenv.py .environment src/env/index.ts
credentials.ts Credentials.java credentialsService.py secrets.py secrets.ts secret_santa.js
config.json kube/config keys.ts key.rs keyboard.c monkey.js pem.ts .gitignore .prettierrc .editorconfig
variables.tf main.tf package.json history.ts .vscode/settings.json id_card.png rsa.go known_hosts.md .aws/task.json
`;

const words = (text: string): string[] => text.split(/\s+/).filter((word) => word !== "");

describe("files that hold secrets, by name", () => {
  for (const path of words(SECRET)) {
    it(`are never read: ${path}`, () => {
      const rule = secretNameRule(path);
      assert.ok(rule !== undefined);
      assert.match(rule, /^'.+' is a name of files that hold [\w ]+$/);
    });
  }

  it("are told from those that only sound like it", () => {
    assert.deepEqual(
      words(FINE).filter((path) => secretNameRule(path) !== undefined),
      [],
    );
  });

  it("are named as they are written", () => {
    assert.equal(secretNameRule("a/Prod.ENV"), "'Prod.ENV' is a name of files that hold environment variables");
    assert.equal(
      secretNameRule("/home/a/.ssh/config"),
      "'config' in '/home/a/.ssh' is a name of files that hold keys and logins",
    );
  });
});

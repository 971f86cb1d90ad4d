/** Files that hold secrets, told by their path alone. These rules cannot be switched off. */

interface NameRule {
  /** Of the name, or where it has a slash of the end of the path; in lower case, with forward slashes. */
  readonly pattern: RegExp;
  /** Such files, for a sentence. */
  readonly what: string;
}

/** Their names say that they hold no values, and they are committed for people to fill in. */
const TEMPLATE = /\.(?:example|sample|template|tmpl|tpl|dist|schema)$/;

const CREDENTIAL_FORMATS = "json|ya?ml|toml|ini|xml|csv|txt|properties|conf|cfg|db|enc|bak|plist";

const RULES: readonly NameRule[] = [
  {
    what: "environment variables",
    pattern: /^(?:\.env(?:[._~-].*)?|.*\.env|\.envrc(?:\..*)?|\.renviron(?:\..*)?|\.dev\.vars(?:\..*)?)$/,
  },
  { what: "Terraform variables and state", pattern: /\.(?:auto\.)?tfvars(?:\.json)?$|\.tfstate(?:\..*)?$/ },
  {
    what: "credentials",
    pattern: new RegExp(
      `^(?:.*[._-])?credentials?(?:\\.(?:${CREDENTIAL_FORMATS})(?:\\.(?:enc|bak|old))?|\\.tfrc\\.json)?$` +
        `|^(?:.*[._-])?client[_-]?secrets?(?:[._-].*)?\\.json$|^(?:.*[._-])?service[_-]?account(?:[_-]?key)?(?:[._-].*)?\\.json$`,
    ),
  },
  { what: "secrets", pattern: new RegExp(`^(?:.*[._-])?secrets?\\.(?:${CREDENTIAL_FORMATS})$|\\.secrets?$`) },
  {
    what: "logins of a program",
    pattern:
      /^(?:\.npmrc|[._]netrc(?:\.gpg)?|\.pgpass|pgpass\.conf|\.pypirc|\.my\.cnf|\.mylogin\.cnf|\.htpasswd|\.dockercfg|\.git-credentials|\.s3cfg|\.boto|\.vault-token|\.terraformrc|terraform\.rc|kubeconfig|.*\.kubeconfig|settings-security\.xml)$|\/(?:\.docker\/config\.json|\.kube\/config|\.git\/config|etc\/g?shadow-?)$/,
  },
  { what: "typed commands", pattern: /^\.\w+_history$/ },
  {
    what: "private keys",
    pattern:
      /^(?:.*[._-])?id_(?:rsa|dsa|ecdsa|ecdsa_sk|ed25519|ed25519_sk)(?:[._~-].*)?$|^ssh_host_\w+_key$|_(?:rsa|dsa|ecdsa|ed25519)$|\.(?:pem|key|ppk|p8|pk8|agekey)$/,
  },
  {
    what: "keys and passwords",
    pattern:
      /\.(?:jks|jceks|keystore|p12|pfx|bks|bcfks|uber|kdb|kdbx|keychain|keychain-db|agilekeychain|opvault)$|^(?:key|keystore)\.properties$|^wallet\.dat$/,
  },
  {
    what: "keys and logins",
    pattern:
      /\/(?:\.ssh|\.gnupg|\.password-store|\.config\/gcloud)\/.+$|\/\.aws\/(?:config|(?:sso|cli)\/.+)$|\/\.azure\/(?:accesstokens|azureprofile|msal_token_cache|service_principal)[^/]*$|\/\.config\/gh\/hosts\.yml$/,
  },
];

/**
 * Why nothing of a file with this path may be read; undefined where its path is no reason. Either kind of slash separates,
 * and case is ignored on every system: a file server may ignore it too.
 */
export function secretNameRule(path: string): string | undefined {
  const parts = path.toLowerCase().replaceAll("\\", "/");
  const name = parts.slice(parts.lastIndexOf("/") + 1);
  const whole = parts.startsWith("/") ? parts : `/${parts}`;
  const rule = RULES.find(({ pattern }) => pattern.test(name) || pattern.test(whole));
  // The half of a pair of keys that is for everybody.
  if (rule === undefined || TEMPLATE.test(name) || (name.endsWith(".pub") && rule.what === "private keys")) {
    return undefined;
  }
  const given = path.slice(path.length - name.length);
  const inFolder = rule.pattern.test(name) ? "" : ` in '${path.slice(0, path.length - name.length - 1)}'`;
  return `'${given}'${inFolder} is a name of files that hold ${rule.what}`;
}

//! Cuts a line of a made-up shell into words.

use std::collections::HashMap;
use std::fmt;

/// What a word is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token<'a> {
    Word(&'a str),
    /// Between quotes, which are not part of it.
    Quoted(String),
    Variable { name: &'a str, default: Option<&'a str> },
    Pipe,
}

#[derive(Debug)]
pub enum Error {
    OpenQuote { at: usize, quote: char },
    UnknownVariable(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::OpenQuote { at, quote } => write!(f, "nothing closes the {quote} at {at}"),
            Error::UnknownVariable(name) => write!(f, "there is no variable '{}'", name),
        }
    }
}

impl std::error::Error for Error {}

const SPECIAL: &[char] = &['|', '"', '\'', '$', ' ', '\t'];

pub fn tokens(line: &str) -> Result<Vec<Token<'_>>, Error> {
    let mut found = Vec::new();
    let mut rest = line;
    while let Some(first) = rest.trim_start().chars().next() {
        rest = rest.trim_start();
        let at = line.len() - rest.len();
        match first {
            '|' => {
                found.push(Token::Pipe);
                rest = &rest[1..];
            }
            '"' | '\'' => {
                let end = rest[1..].find(first).ok_or(Error::OpenQuote { at, quote: first })?;
                found.push(Token::Quoted(rest[1..=end].replace("\\n", "\n")));
                rest = &rest[end + 2..];
            }
            '$' => {
                let end = rest[1..].find(SPECIAL).map_or(rest.len(), |i| i + 1);
                let (name, default) = match rest[1..end].split_once(":-") {
                    Some((name, default)) => (name, Some(default)),
                    None => (&rest[1..end], None),
                };
                found.push(Token::Variable { name, default });
                rest = &rest[end..];
            }
            _ => {
                let end = rest.find(SPECIAL).unwrap_or(rest.len());
                found.push(Token::Word(&rest[..end]));
                rest = &rest[end..];
            }
        }
    }
    Ok(found)
}

/// The words as they are after the variables have been put in.
pub fn expand(line: &str, variables: &HashMap<String, String>) -> Result<Vec<String>, Error> {
    tokens(line)?
        .into_iter()
        .map(|token| match token {
            Token::Word(word) => Ok(word.to_owned()),
            Token::Quoted(text) => Ok(text),
            Token::Pipe => Ok(String::from("|")),
            Token::Variable { name, default } => variables
                .get(name)
                .cloned()
                .or_else(|| default.map(str::to_owned))
                .ok_or_else(|| Error::UnknownVariable(name.to_owned())),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_pipe() {
        let raw = r"C:\";
        let line = format!("cat {raw} | grep \"a b\"");
        let words: Vec<_> = tokens(&line).unwrap();
        assert_eq!(words.len(), 5);
        assert_eq!(words[2], Token::Pipe);
        assert!(matches!(words.last(), Some(Token::Quoted(text)) if text == "a b"));
    }
}

//! Where things stand: the workspace, its target folder and what the commands keep there.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::step::{Failure, Outcome};

/// The folders of one checkout.
pub struct Place {
    root: PathBuf,
    target: PathBuf,
}

impl Place {
    /// Finds the workspace, and its target folder as cargo sees it (`$CARGO_TARGET_DIR` or a
    /// cargo configuration may have moved it).
    pub fn find() -> Outcome<Self> {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = manifest.parent().unwrap_or(manifest).to_path_buf();
        let mut metadata = cargo(&root);
        metadata.args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ]);
        let failed = |why: String| Failure::of(&metadata_name(), why);
        let output = metadata
            .output()
            .map_err(|error| failed(error.to_string()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let target = target_directory(&text)
            .ok_or_else(|| failed(String::from_utf8_lossy(&output.stderr).into_owned()))?;
        Ok(Self {
            root,
            target: PathBuf::from(target),
        })
    }

    /// The top of the workspace.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// `relative` under the top of the workspace.
    pub fn at(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// `relative` under the target folder.
    pub fn in_target(&self, relative: &str) -> PathBuf {
        self.target.join(relative)
    }

    /// A program of the workspace, as a debug build leaves it.
    pub fn built(&self, program: &str) -> PathBuf {
        let file = format!("{program}{}", std::env::consts::EXE_SUFFIX);
        self.target.join("debug").join(file)
    }

    /// A program that `cargo install` put under `target/tools`.
    pub fn tool(&self, program: &str) -> PathBuf {
        let file = format!("{program}{}", std::env::consts::EXE_SUFFIX);
        self.target.join("tools/bin").join(file)
    }

    /// A command that runs cargo, the same one that started this program, at the top.
    pub fn cargo(&self) -> Command {
        cargo(&self.root)
    }

    /// `path` for people: relative to the top where it lies under it.
    pub fn show(&self, path: &Path) -> String {
        path.strip_prefix(&self.root)
            .unwrap_or(path)
            .display()
            .to_string()
    }
}

fn cargo(root: &Path) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(root);
    command
}

fn metadata_name() -> String {
    "cargo metadata --no-deps".to_owned()
}

/// The `target_directory` of `cargo metadata`'s JSON, unescaped.
fn target_directory(metadata: &str) -> Option<String> {
    let (_, rest) = metadata.split_once("\"target_directory\":\"")?;
    let mut path = String::new();
    let mut characters = rest.chars();
    loop {
        match characters.next()? {
            '"' => return Some(path),
            '\\' => path.push(characters.next()?),
            other => path.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::target_directory;

    #[test]
    fn the_target_folder_is_read_from_metadata_with_its_escapes() {
        let cases = [
            (
                r#"{"target_directory":"/a/target","version":1}"#,
                Some("/a/target"),
            ),
            (
                r#"{"target_directory":"C:\\a \"b\"\\target"}"#,
                Some(r#"C:\a "b"\target"#),
            ),
            (r#"{"version":1}"#, None),
            (r#"{"target_directory":"/cut"#, None),
        ];
        for (metadata, expected) in cases {
            assert_eq!(
                target_directory(metadata).as_deref(),
                expected,
                "{metadata}"
            );
        }
    }
}

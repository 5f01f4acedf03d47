//! Where pictures are kept, and how one is taken: in each size, with nothing cut off.

use std::path::{Path, PathBuf};

use freewheel_lab::window::Page;

use crate::stage::{Look, SOON};

/// Width, height, and what stands in the file's name.
const SIZES: [(u32, u32, &str); 2] = [(1280, 800, ""), (900, 600, "-small")];

/// Pictures of one look.
pub struct Album {
    folder: PathBuf,
    look: Look,
    /// Keeps a temporary folder.
    _kept: Option<tempfile::TempDir>,
}

impl Album {
    /// Goes to `$FREEWHEEL_SCREENSHOTS`, else to the test's own folder, which is kept only on request.
    pub fn of(look: Look) -> Self {
        let (folder, kept) = folder();
        Self {
            folder,
            look,
            _kept: kept,
        }
    }

    /// Takes a picture in each size.
    pub async fn take(&self, window: &Page, name: &str) {
        for (width, height, size) in SIZES {
            window.resize(width, height).await.unwrap();
            let resized = "return innerWidth === arguments[0] && innerHeight === arguments[1]";
            let settled = window.wait_for("the size", SOON, async |page: &Page| {
                let size = vec![width.into(), height.into()];
                Ok(page.js(resized, size).await?.as_bool() == Some(true))
            });
            settled.await.unwrap();
            let painted = "const done = arguments[arguments.length - 1];\
                requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 120)));";
            window
                .driver()
                .execute_async(painted, Vec::new())
                .await
                .unwrap();
            let wide = "return document.scrollingElement.scrollWidth > innerWidth";
            let cut = window.js(wide, Vec::new()).await.unwrap();
            assert_eq!(
                cut.as_bool(),
                Some(false),
                "{name} is wider than its {width} px"
            );
            let file = format!("{name}{size}-{}.png", self.look.name());
            window.screenshot(&self.folder.join(file)).await.unwrap();
        }
    }
}

/// Where the pictures go; the second value keeps a temporary folder alive.
fn folder() -> (PathBuf, Option<tempfile::TempDir>) {
    if let Some(folder) = std::env::var_os("FREEWHEEL_SCREENSHOTS") {
        return (PathBuf::from(folder), None);
    }
    if let Some(artifacts) = std::env::var_os("FREEWHEEL_TEST_ARTIFACTS") {
        return (Path::new(&artifacts).join("screenshots"), None);
    }
    let folder = tempfile::tempdir().unwrap();
    (folder.path().to_owned(), Some(folder))
}

//! What a person does in a page: find, read, click, type.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use serde_json::Value::Null;
use thirtyfour::error::{WebDriverError, WebDriverErrorInner};
use thirtyfour::{By, WebDriver, WebElement};

use crate::LabError;
use crate::wait::{Seen, until};

/// How long elements may take to appear.
const PATIENCE: Duration = Duration::from_secs(15);

/// The page in a window. Elements are named by CSS selectors; each call waits a while for its element.
#[derive(Debug)]
pub struct Page {
    driver: WebDriver,
}

impl Page {
    pub(super) fn new(driver: WebDriver) -> Self {
        Self { driver }
    }

    /// The WebDriver session itself, for what is not covered here.
    #[must_use]
    pub fn driver(&self) -> &WebDriver {
        &self.driver
    }

    /// Goes to `url` and waits until it has loaded.
    ///
    /// # Errors
    /// The browser cannot load it.
    pub async fn goto(&self, url: &str) -> Result<(), LabError> {
        Ok(self.driver.goto(url).await?)
    }

    /// The page's address.
    ///
    /// # Errors
    /// The window is gone.
    pub async fn url(&self) -> Result<String, LabError> {
        Ok(self.driver.current_url().await?.to_string())
    }

    /// The first element that matches.
    ///
    /// # Errors
    /// None appears.
    pub async fn find(&self, css: &str) -> Result<WebElement, LabError> {
        self.attempt(css, async || self.driver.find(By::Css(css)).await)
            .await
    }

    /// How many elements match now.
    ///
    /// # Errors
    /// The window is gone.
    pub async fn count(&self, css: &str) -> Result<usize, LabError> {
        Ok(self.driver.find_all(By::Css(css)).await?.len())
    }

    /// Whether an element matches now.
    ///
    /// # Errors
    /// The window is gone.
    pub async fn has(&self, css: &str) -> Result<bool, LabError> {
        Ok(self.count(css).await? > 0)
    }

    /// Clicks an element once it can be clicked.
    ///
    /// # Errors
    /// It does not appear, or something lies over it all the time.
    pub async fn click(&self, css: &str) -> Result<(), LabError> {
        self.attempt(css, async || {
            self.driver.find(By::Css(css)).await?.click().await
        })
        .await
    }

    /// Replaces what stands in a field.
    ///
    /// # Errors
    /// As [`Page::fill_in`].
    pub async fn fill(&self, css: &str, text: &str) -> Result<(), LabError> {
        self.fill_in(&[(css, text)]).await
    }

    /// Replaces what stands in the fields of a form, and sees to it that each then holds just that: a page that is
    /// still coming up may put the focus elsewhere while keys are on their way, so that letters for one field go to
    /// another.
    ///
    /// # Errors
    /// A field does not appear, or does not take the text.
    pub async fn fill_in(&self, fields: &[(&str, &str)]) -> Result<(), LabError> {
        self.wait_for("filled fields", PATIENCE, async |page: &Self| {
            for (css, text) in fields {
                let field = page.find(css).await?;
                field.clear().await?;
                field.send_keys(*text).await?;
            }
            for (css, text) in fields {
                let value = page.value(css).await?;
                if value.as_deref() != Some(*text) {
                    return Ok(Seen::NotYet(Some(format!("{css} holds {value:?}"))));
                }
            }
            Ok(Seen::Yes(()))
        })
        .await
    }

    /// Types into an element, after what stands there.
    ///
    /// # Errors
    /// It does not appear, or takes no text.
    pub async fn type_into(&self, css: &str, text: &str) -> Result<(), LabError> {
        self.attempt(css, async || {
            self.driver.find(By::Css(css)).await?.send_keys(text).await
        })
        .await
    }

    /// Presses keys with the focus where it is. Special keys are `thirtyfour::Key` values turned into text.
    ///
    /// # Errors
    /// The window is gone.
    pub async fn keys(&self, keys: impl Into<thirtyfour::TypingData>) -> Result<(), LabError> {
        Ok(self.driver.action_chain().send_keys(keys).perform().await?)
    }

    /// The visible text of an element.
    ///
    /// # Errors
    /// It does not appear.
    pub async fn text(&self, css: &str) -> Result<String, LabError> {
        self.attempt(css, async || {
            self.driver.find(By::Css(css)).await?.text().await
        })
        .await
    }

    /// The visible text of every element that matches now.
    ///
    /// # Errors
    /// The window is gone.
    pub async fn texts(&self, css: &str) -> Result<Vec<String>, LabError> {
        self.attempt(css, async || {
            let mut texts = Vec::new();
            for element in self.driver.find_all(By::Css(css)).await? {
                texts.push(element.text().await?);
            }
            Ok(texts)
        })
        .await
    }

    /// An attribute of an element.
    ///
    /// # Errors
    /// The element does not appear.
    pub async fn attr(&self, css: &str, name: &str) -> Result<Option<String>, LabError> {
        self.attempt(css, async || {
            self.driver.find(By::Css(css)).await?.attr(name).await
        })
        .await
    }

    /// What a field holds.
    ///
    /// # Errors
    /// It does not appear.
    pub async fn value(&self, css: &str) -> Result<Option<String>, LabError> {
        self.attempt(css, async || {
            self.driver.find(By::Css(css)).await?.value().await
        })
        .await
    }

    /// Runs a function body in the page; `arguments` are there, `return` gives the result. A promise is waited for.
    ///
    /// # Errors
    /// It throws, or the window is gone.
    pub async fn js(&self, script: &str, arguments: Vec<Value>) -> Result<Value, LabError> {
        let outcome = self.driver.execute(script, arguments).await?;
        Ok(outcome.json().clone())
    }

    /// Waits for a condition of this page. The condition may say what it sees instead.
    ///
    /// # Errors
    /// It does not hold within `bound`.
    pub async fn wait_for<T, S: Into<Seen<T>>>(
        &self,
        what: &str,
        bound: Duration,
        mut look: impl AsyncFnMut(&Self) -> Result<S, LabError>,
    ) -> Result<T, LabError> {
        until(what, bound, async || match look(self).await {
            Err(LabError::WebDriver(error)) if passes(&error) => {
                Ok(Seen::NotYet(Some(error.to_string())))
            }
            Err(error) => Err(error),
            Ok(seen) => Ok(seen.into()),
        })
        .await
    }

    /// Waits until the text of the first element that matches contains `part`.
    ///
    /// # Errors
    /// It does not within `bound`; the error tells what stood there.
    pub async fn wait_for_text(
        &self,
        css: &str,
        part: &str,
        bound: Duration,
    ) -> Result<String, LabError> {
        self.wait_for(
            &format!("\"{part}\" in {css}"),
            bound,
            async |page: &Self| {
                let text = page.driver.find(By::Css(css)).await?.text().await?;
                Ok(if text.contains(part) {
                    Seen::Yes(text)
                } else {
                    Seen::NotYet(Some(text))
                })
            },
        )
        .await
    }

    /// Writes what the page looks like as a PNG.
    ///
    /// # Errors
    /// The window is gone, or the file cannot be written.
    pub async fn screenshot(&self, path: &Path) -> Result<(), LabError> {
        let png = self.driver.screenshot_as_png().await?;
        let folder = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        folder
            .and_then(|()| std::fs::write(path, png))
            .map_err(LabError::io(path.display().to_string()))
    }

    /// Gives the window another size, in pixels.
    ///
    /// # Errors
    /// The window is gone.
    pub async fn resize(&self, width: u32, height: u32) -> Result<(), LabError> {
        Ok(self.driver.set_window_rect(0, 0, width, height).await?)
    }

    /// Tries until it works; what passes by itself (not there yet, covered, replaced meanwhile) is tried again.
    async fn attempt<T>(
        &self,
        css: &str,
        mut act: impl AsyncFnMut() -> Result<T, WebDriverError>,
    ) -> Result<T, LabError> {
        let what = format!("finding {css}");
        let outcome = until(&what, PATIENCE, async || match act().await {
            Ok(value) => Ok(Seen::Yes(value)),
            Err(error) if passes(&error) => Ok(Seen::NotYet(Some(error.to_string()))),
            Err(error) => Err(error.into()),
        })
        .await;
        match outcome {
            Err(LabError::TimedOut { what, bound, last }) => {
                let shown = self
                    .js("return document.body.innerText", Vec::new())
                    .await
                    .unwrap_or(Null);
                let last = Some(format!(
                    "{}; the page shows {shown}",
                    last.unwrap_or_default()
                ));
                Err(LabError::TimedOut { what, bound, last })
            }
            other => other,
        }
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // Its processes are ended right after; asking them to end the session first would only wait.
        drop(self.driver.clone().leak());
    }
}

/// Whether the page may get over it by itself.
fn passes(error: &WebDriverError) -> bool {
    matches!(
        error.as_inner(),
        WebDriverErrorInner::NoSuchElement(_)
            | WebDriverErrorInner::StaleElementReference(_)
            | WebDriverErrorInner::ElementNotInteractable(_)
            | WebDriverErrorInner::ElementClickIntercepted(_)
            | WebDriverErrorInner::InvalidElementState(_)
            // What WebKit says of a question that a navigation overtook.
            | WebDriverErrorInner::NoSuchFrame(_)
    )
}

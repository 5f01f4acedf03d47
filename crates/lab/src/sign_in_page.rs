//! Completes the issuer's sign-in page over HTTP, as a browser would, without a browser.

pub mod foreign;

use std::collections::BTreeMap;

use reqwest::header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::{Client, Response, StatusCode, redirect};
use url::Url;

use crate::LabError;

/// Steps after which something goes round in circles.
const MOST_STEPS: usize = 12;

/// Where the browser ended.
#[derive(Debug)]
pub struct Landed {
    /// The address: the app's callback when the sign-in was allowed or denied.
    pub url: Url,
    /// Its status.
    pub status: StatusCode,
    /// What the athlete reads there.
    pub body: String,
}

/// Opens `authorize_url`, signs in as `username` with `password`, allows what is asked, and follows to the app's
/// callback on 127.0.0.1.
///
/// # Errors
/// A page cannot be reached, or shows neither form; the text of the page is in the error (a wrong password, say).
pub async fn complete(
    authorize_url: &str,
    username: &str,
    password: &str,
) -> Result<Landed, LabError> {
    let start = parse(authorize_url)?;
    let mut browser = Visitor::new(start.origin().ascii_serialization())?;
    let mut page = browser.get(start).await?;
    if page
        .form("sign-in")
        .is_none_or(|form| !form.fields.contains_key("password"))
    {
        return Err(page.unexpected("sign-in form"));
    }
    let typed = [("username", username), ("password", password)];
    page = browser.submit(&page, "sign-in", &typed).await?;
    if page.form("allow").is_some() {
        page = browser.submit(&page, "allow", &[]).await?;
    }
    if page.url.origin().ascii_serialization() == browser.issuer {
        return Err(page.unexpected("way back to the app"));
    }
    Ok(Landed {
        url: page.url,
        status: page.status,
        body: page.body,
    })
}

/// Types `user_code` on the page at `verification_uri`, as on another device, signs in, and allows what is asked.
///
/// # Errors
/// As [`complete`].
pub async fn confirm_device(
    verification_uri: &str,
    user_code: &str,
    username: &str,
    password: &str,
) -> Result<(), LabError> {
    let start = parse(verification_uri)?;
    let mut browser = Visitor::new(start.origin().ascii_serialization())?;
    let page = browser.get(start).await?;
    let code = [("user_code", user_code)];
    let page = browser.submit(&page, "continue", &code).await?;
    let typed = [("username", username), ("password", password)];
    let page = browser.submit(&page, "sign-in", &typed).await?;
    let page = browser.submit(&page, "allow", &[]).await?;
    if page.status.is_success() {
        Ok(())
    } else {
        Err(page.unexpected("end"))
    }
}

struct Visitor {
    client: Client,
    issuer: String,
    cookies: BTreeMap<String, String>,
}

struct Page {
    url: Url,
    status: StatusCode,
    body: String,
}

/// A form, found by the id of the button that submits it.
struct Form {
    action: String,
    fields: BTreeMap<String, String>,
}

impl Visitor {
    fn new(issuer: String) -> Result<Self, LabError> {
        let builder = Client::builder().redirect(redirect::Policy::none());
        // A site elsewhere may be behind the proxy in the settings; one on this computer never is.
        let builder = if issuer.starts_with("https:") {
            builder
        } else {
            builder.no_proxy()
        };
        let client = builder.build()?;
        Ok(Self {
            client,
            issuer,
            cookies: BTreeMap::new(),
        })
    }

    async fn get(&mut self, url: Url) -> Result<Page, LabError> {
        let response = self
            .client
            .get(url.clone())
            .header(COOKIE, self.cookie())
            .send()
            .await?;
        self.follow(url, response).await
    }

    async fn submit(
        &mut self,
        page: &Page,
        button: &str,
        typed: &[(&str, &str)],
    ) -> Result<Page, LabError> {
        let mut form = page.form(button).ok_or_else(|| page.unexpected(button))?;
        form.fields.extend(
            typed
                .iter()
                .map(|&(name, value)| (name.to_owned(), value.to_owned())),
        );
        self.send(page, &form).await
    }

    async fn send(&mut self, page: &Page, form: &Form) -> Result<Page, LabError> {
        let url = join(&page.url, &form.action)?;
        let response = self
            .client
            .post(url.clone())
            .header(COOKIE, self.cookie())
            .header(ORIGIN, page.url.origin().ascii_serialization())
            .form(&form.fields)
            .send()
            .await?;
        self.follow(url, response).await
    }

    async fn follow(&mut self, mut url: Url, mut response: Response) -> Result<Page, LabError> {
        for _ in 0..MOST_STEPS {
            self.keep_cookies(&url, &response);
            let target = response
                .headers()
                .get(LOCATION)
                .and_then(|to| to.to_str().ok());
            let Some(target) = target.filter(|_| response.status().is_redirection()) else {
                let status = response.status();
                let body = response.text().await?;
                return Ok(Page { url, status, body });
            };
            url = join(&url, target)?;
            let mut request = self.client.get(url.clone());
            if url.origin().ascii_serialization() == self.issuer {
                request = request.header(COOKIE, self.cookie());
            }
            response = request.send().await?;
        }
        Err(LabError::Unexpected(format!(
            "redirects without end, last to {url}"
        )))
    }

    fn keep_cookies(&mut self, url: &Url, response: &Response) {
        if url.origin().ascii_serialization() != self.issuer {
            return;
        }
        for cookie in response.headers().get_all(SET_COOKIE) {
            let pair = cookie
                .to_str()
                .ok()
                .and_then(|text| text.split(';').next()?.split_once('='));
            if let Some((name, value)) = pair {
                self.cookies
                    .insert(name.trim().to_owned(), value.trim().to_owned());
            }
        }
    }

    fn cookie(&self) -> String {
        let pairs: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("; ")
    }
}

impl Page {
    fn form(&self, button: &str) -> Option<Form> {
        find_form(&self.body, button)
    }

    fn unexpected(&self, wanted: &str) -> LabError {
        let words = words(&self.body);
        LabError::Unexpected(format!(
            "{} shows no {wanted} ({}): {words}",
            self.url.path(),
            self.status
        ))
    }
}

/// The form that the button with `id` submits: its target, its inputs, and the button's own value.
fn find_form(html: &str, id: &str) -> Option<Form> {
    html.split("<form").skip(1).find_map(|rest| {
        let (inside, _) = rest.split_once("</form>")?;
        let (head, body) = inside.split_once('>')?;
        let mut fields = BTreeMap::new();
        let mut is_it = false;
        for tag in body.split('<').skip(1) {
            let (kind, attributes) = tag.split_once([' ', '>']).unwrap_or((tag, ""));
            let attributes = attributes.split('>').next().unwrap_or_default();
            let pressed = attribute(attributes, "id").as_deref() == Some(id);
            is_it |= pressed;
            let sends = kind == "input" || (kind == "button" && pressed);
            if let Some(name) = attribute(attributes, "name").filter(|_| sends) {
                fields.insert(name, attribute(attributes, "value").unwrap_or_default());
            }
        }
        is_it.then(|| Form {
            action: attribute(head, "action").unwrap_or_default(),
            fields,
        })
    })
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let padded = format!(" {tag}");
    let (_, rest) = padded.split_once(&format!(" {name}=\""))?;
    Some(unescape(rest.split('"').next()?))
}

fn unescape(text: &str) -> String {
    let plain = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ];
    plain
        .iter()
        .fold(text.to_owned(), |text, (escaped, character)| {
            text.replace(escaped, character)
        })
}

/// The visible words, for an error.
fn words(html: &str) -> String {
    let shown = html.split_once("<body").map_or(html, |(_, body)| body);
    let pieces = shown
        .split('<')
        .filter_map(|piece| piece.split_once('>').map(|(_, text)| text.trim()));
    let pieces: Vec<&str> = pieces.filter(|text| !text.is_empty()).collect();
    unescape(&pieces.join(" | "))
}

fn parse(url: &str) -> Result<Url, LabError> {
    Url::parse(url).map_err(|error| LabError::Unexpected(format!("{url}: {error}")))
}

fn join(base: &Url, target: &str) -> Result<Url, LabError> {
    base.join(target)
        .map_err(|error| LabError::Unexpected(format!("{target}: {error}")))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_found_by_its_button_with_hidden_fields_and_the_pressed_buttons_value() {
        let html = "<form action=\"/other\"><input name=\"x\" value=\"1\"><button id=\"no\">No</button></form>\
            <form method=\"post\" action=\"/go?a=1&amp;b=2\"><input type=\"hidden\" name=\"request\" value=\"k&quot;\">\
            <button id=\"allow\" name=\"answer\" value=\"allow\">Yes</button>\
            <button id=\"deny\" name=\"answer\" value=\"deny\">No</button></form>";
        let form = find_form(html, "allow").unwrap();
        assert_eq!(form.action, "/go?a=1&b=2");
        let expected =
            [("answer", "allow"), ("request", "k\"")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(form.fields, BTreeMap::from(expected));
        assert_eq!(find_form(html, "deny").unwrap().fields["answer"], "deny");
        assert!(find_form(html, "sign-in").is_none());
    }
}

//! The same at the certified provider of the tests (`crate::peer`): its pages have one form each, and no ids.

use std::collections::BTreeMap;

use super::{Form, Landed, MOST_STEPS, Page, Visitor, attribute, join, parse};
use crate::LabError;

/// What the athlete answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Signs in and allows what is asked.
    Allow,
    /// Leaves by the page's `Cancel`.
    Deny,
}

/// Opens `authorize_url`, signs in as `username` (any password is taken) and answers, up to the app's callback on
/// 127.0.0.1.
///
/// # Errors
/// A page cannot be reached, or is none of those expected; its text is in the error.
pub async fn complete(
    authorize_url: &str,
    username: &str,
    answer: Answer,
) -> Result<Landed, LabError> {
    let start = parse(authorize_url)?;
    let mut browser = Visitor::new(start.origin().ascii_serialization())?;
    let page = browser.get(start).await?;
    let page = walk(&mut browser, page, &[("login", username)], answer).await?;
    if page.url.origin().ascii_serialization() == browser.issuer {
        return Err(page.unexpected("way back to the app"));
    }
    Ok(page.into())
}

/// Opens the device page, types the code, signs in as `username` and answers, up to the page that says that it is done.
///
/// # Errors
/// As [`complete`].
pub async fn approve_device(
    verification_uri: &str,
    user_code: &str,
    username: &str,
    answer: Answer,
) -> Result<Landed, LabError> {
    let start = parse(verification_uri)?;
    let mut browser = Visitor::new(start.origin().ascii_serialization())?;
    let page = browser.get(start).await?;
    let typed = [("user_code", user_code), ("login", username)];
    let page = walk(&mut browser, page, &typed, answer).await?;
    let wanted = match answer {
        Answer::Allow => "Sign-in Success",
        Answer::Deny => "interrupted",
    };
    if !page.body.contains(wanted) {
        return Err(page.unexpected(wanted));
    }
    Ok(page.into())
}

/// Fills in and sends one form after the other, until there is none, or the athlete leaves.
async fn walk(
    browser: &mut Visitor,
    mut page: Page,
    typed: &[(&str, &str)],
    answer: Answer,
) -> Result<Page, LabError> {
    for _ in 0..MOST_STEPS {
        let home = page.url.origin().ascii_serialization() == browser.issuer;
        let Some(mut form) = only_form(&page.body).filter(|_| home) else {
            return Ok(page);
        };
        if answer == Answer::Deny
            && let Some(way_out) = cancel(&page.body)
        {
            let way_out = join(&page.url, &way_out)?;
            return browser.get(way_out).await;
        }
        if answer == Answer::Deny && form.fields.contains_key("confirm") {
            form.fields.insert("abort".to_owned(), "yes".to_owned());
            return browser.send(&page, &form).await;
        }
        for &(name, value) in typed {
            if let Some(field) = form.fields.get_mut(name) {
                value.clone_into(field);
            }
        }
        page = browser.send(&page, &form).await?;
    }
    Err(page.unexpected("end of forms"))
}

/// The first form of the page: its target and its inputs.
fn only_form(html: &str) -> Option<Form> {
    let (_, rest) = html.split_once("<form")?;
    let (inside, _) = rest.split_once("</form>")?;
    let (head, body) = inside.split_once('>')?;
    let inputs = body.split("<input").skip(1);
    let fields: BTreeMap<String, String> = inputs
        .filter_map(|input| {
            let attributes = input.split('>').next()?.replace('\n', " ");
            let value = attribute(&attributes, "value").unwrap_or_default();
            Some((attribute(&attributes, "name")?, value))
        })
        .collect();
    let action = attribute(head, "action")?;
    Some(Form { action, fields })
}

/// Where the page's `Cancel` leads.
fn cancel(html: &str) -> Option<String> {
    let (before, _) = html.split_once("[ Cancel ]")?;
    let (_, link) = before.rsplit_once("<a")?;
    attribute(link, "href")
}

impl From<Page> for Landed {
    fn from(page: Page) -> Self {
        Self {
            url: page.url,
            status: page.status,
            body: page.body,
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test")]
mod tests {
    use super::*;

    #[test]
    fn the_only_form_is_read_with_its_inputs_and_the_way_out_is_found() {
        let html = "<form id=\"op\" novalidate method=\"post\" action=\"http://a/device\">\
            <input type=\"hidden\" name=\"xsrf\" value=\"x&amp;y\"/>\n<input\n    type=\"text\" name=\"user_code\" \
            autofocus></input></form><a href=\"/abort\">[ Cancel ]</a>";
        let form = only_form(html).unwrap();
        assert_eq!(form.action, "http://a/device");
        assert_eq!(form.fields["xsrf"], "x&y");
        assert_eq!(form.fields["user_code"], "");
        assert_eq!(cancel(html).as_deref(), Some("/abort"));
        assert!(only_form("<p>done</p>").is_none());
    }
}

//! The forms that an athlete sees: which device, who are you, and do you agree.

use axum::http::StatusCode;

use super::grant;
use super::redirect;
use super::user_code::UserCode;
use crate::page::{Page, escape};
use crate::store::sign_in::{SignIn, Way};

/// Asks for the code that a device shows. `typed` is what is known of it; `message` says what was wrong with it.
pub(crate) fn user_code(typed: &str, message: Option<&str>) -> Page {
    let (message, described) = alert(message);
    Page::new(
        "Connect a device",
        format!(
            "<h1>Connect a device</h1>\
             <p>Type the code that Freewheel shows on the device. Go on only if it is your own device and \
             shows the same code.</p>{message}\
             <form method=\"post\" action=\"/oauth/device/code\">\
             <label for=\"user-code\">Code</label>\
             <input id=\"user-code\" name=\"user_code\" value=\"{}\" class=\"code\" \
             placeholder=\"BCDF-GHJK\" autocomplete=\"off\" autocapitalize=\"characters\" \
             spellcheck=\"false\" maxlength=\"32\" required autofocus{described}>\
             <button id=\"continue\" type=\"submit\">Continue</button>\
             </form>",
            escape(typed),
        ),
    )
}

/// Asks for name and password. `message` says what was wrong with the last try.
pub(crate) fn sign_in(key: &str, username: &str, message: Option<&str>) -> Page {
    let (message, described) = alert(message);
    // The cursor goes where something is missing.
    let (focus_name, focus_password) = if username.is_empty() {
        (" autofocus", "")
    } else {
        ("", " autofocus")
    };
    Page::new(
        "Sign in",
        format!(
            "<h1>Sign in</h1>\
             <p>Freewheel asks for your workouts and plan.</p>{message}\
             <form method=\"post\" action=\"/oauth/sign-in\">\
             <input type=\"hidden\" name=\"request\" value=\"{}\">\
             <label for=\"username\">User name</label>\
             <input id=\"username\" name=\"username\" value=\"{}\" autocomplete=\"username\" \
             autocapitalize=\"none\" spellcheck=\"false\" required{described}{focus_name}>\
             <label for=\"password\">Password</label>\
             <input id=\"password\" name=\"password\" type=\"password\" \
             autocomplete=\"current-password\" required{described}{focus_password}>\
             <button id=\"sign-in\" type=\"submit\">Sign in</button>\
             </form>",
            escape(key),
            escape(username),
        ),
    )
}

/// Asks whether the app or the device may have access.
pub(crate) fn consent(key: &str, name: &str, request: &SignIn) -> Page {
    let (who, place) = match &request.way {
        Way::App(_) => ("Freewheel on this computer".to_owned(), "this computer"),
        Way::Device { user_code, .. } => (device(user_code), "that device"),
    };
    let stays = if grant::has(&request.scope, "offline_access") {
        format!("<li>stay signed in on {place}</li>")
    } else {
        String::new()
    };
    let page = Page::new(
        "Allow access",
        format!(
            "<h1>Hello, {}</h1>\
             <p>{who} would like to</p>\
             <ul><li>read your name, workouts and plan</li>\
             <li>upload the rides that you record</li>{stays}</ul>\
             <form method=\"post\" action=\"/oauth/consent\">\
             <input type=\"hidden\" name=\"request\" value=\"{}\">\
             <button id=\"allow\" type=\"submit\" name=\"answer\" value=\"allow\">\
             Allow</button>\
             <button id=\"deny\" class=\"second\" type=\"submit\" name=\"answer\" value=\"deny\">\
             Do not allow</button>\
             </form>",
            escape(name),
            escape(key),
        ),
    );
    match &request.way {
        Way::App(app) => {
            page.with_form_target(redirect::loopback_origin(&app.redirect_uri).unwrap_or_default())
        }
        Way::Device { .. } => page,
    }
}

/// Which device asks; the athlete compares the code with the one that it shows (RFC 8628 §5.4).
fn device(user_code: &str) -> String {
    let code = UserCode::read(user_code).map(|code| code.to_string());
    format!(
        "The device that shows the code <strong id=\"code\">{}</strong>",
        escape(&code.unwrap_or_default())
    )
}

/// The end of a device's sign-in in the browser.
pub(crate) fn device_done(allowed: bool) -> Page {
    let (title, text) = if allowed {
        (
            "The device is signed in",
            "Freewheel goes on there in a few seconds.",
        )
    } else {
        (
            "The device stays signed out",
            "It was told that you do not allow it.",
        )
    };
    Page::new(
        "Connect a device",
        format!(
            "<h1 id=\"done\">{title}</h1><p>{text}</p>\
             <p class=\"quiet\">You can close this page.</p>"
        ),
    )
}

/// The page was used before, or nobody answered it in time.
pub(crate) fn expired() -> Page {
    let text = "This sign-in has expired or was used already. Start again from the app.";
    dead_end(StatusCode::BAD_REQUEST, text)
}

/// The form was sent by a page of somebody else.
pub(crate) fn foreign() -> Page {
    let text = "This form was sent by another site. Start again from the app.";
    dead_end(StatusCode::FORBIDDEN, text)
}

/// The account is closed to its owner.
pub(crate) fn blocked() -> Page {
    let text = "This account is closed. Please contact support.";
    dead_end(StatusCode::FORBIDDEN, text)
}

/// Says why it does not go on from here.
pub(crate) fn dead_end(status: StatusCode, text: &str) -> Page {
    Page::new(
        "Cannot sign in",
        format!(
            "<h1>This cannot go on here</h1>\
             <p class=\"message\" id=\"message\" role=\"alert\">{}</p>\
             <p class=\"quiet\">You can close this page.</p>",
            escape(text)
        ),
    )
    .with_status(status)
}

/// A message, and the attributes of the fields that it is about.
fn alert(message: Option<&str>) -> (String, &'static str) {
    match message {
        Some(text) => (
            format!(
                "<p class=\"message\" id=\"message\" role=\"alert\">{}</p>",
                escape(text)
            ),
            " aria-describedby=\"message\" aria-invalid=\"true\"",
        ),
        None => (String::new(), ""),
    }
}

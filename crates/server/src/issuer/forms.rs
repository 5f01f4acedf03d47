//! The two forms that an athlete sees: who are you, and do you agree.

use axum::http::StatusCode;

use crate::page::{Page, escape};

/// Asks for name and password. `message` says what was wrong with the last try.
pub(crate) fn sign_in(key: &str, username: &str, message: Option<&str>) -> Page {
    let (message, described) = match message {
        Some(text) => (
            format!(
                "<p class=\"message\" id=\"message\" role=\"alert\">{}</p>",
                escape(text)
            ),
            " aria-describedby=\"message\" aria-invalid=\"true\"",
        ),
        None => (String::new(), ""),
    };
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
             <p>Freewheel on this computer asks for your workouts and plan.</p>{message}\
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

/// Asks whether the app may have access. `back` is the origin that the answer goes to.
pub(crate) fn consent(key: &str, name: &str, scope: &str, back: String) -> Page {
    let stays = if scope.split(' ').any(|scope| scope == "offline_access") {
        "<li>stay signed in on this computer</li>"
    } else {
        ""
    };
    Page::new(
        "Allow access",
        format!(
            "<h1>Hello, {}</h1>\
             <p>Freewheel on this computer would like to</p>\
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
    )
    .with_form_target(back)
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

//! Looks for a program's windows, and closes them the way their close buttons do: the display has no window manager that
//! could.

use x11rb::connection::Connection as _;
use x11rb::errors::ReplyError;
use x11rb::protocol::ErrorKind;
use x11rb::protocol::xproto::{
    Atom, AtomEnum, ClientMessageEvent, ConnectionExt as _, EventMask, MapState, Window,
};
use x11rb::rust_connection::RustConnection;

use crate::LabError;

/// Sends `WM_DELETE_WINDOW` (ICCCM §4.2.8.1) to the top-level windows of process `pid` on display `number`.
pub(super) fn ask_to_close(number: u32, pid: u32) -> Result<(), LabError> {
    let asked = ask(number, pid).map_err(|error| LabError::Display(error.to_string()))?;
    if asked == 0 {
        return Err(LabError::Display(format!("process {pid} shows no window")));
    }
    Ok(())
}

/// How many windows process `pid` shows on display `number`.
pub(super) fn shown(number: u32, pid: u32) -> Result<usize, LabError> {
    count(number, pid).map_err(|error| LabError::Display(error.to_string()))
}

fn ask(number: u32, pid: u32) -> Result<usize, Box<dyn std::error::Error>> {
    let (display, screen) = x11rb::connect(Some(&format!(":{number}")))?;
    let [protocols, delete] = ["WM_PROTOCOLS", "WM_DELETE_WINDOW"].map(|name| atom(&display, name));
    let (protocols, delete) = (protocols?, delete?);
    let windows = closable(&display, screen, pid)?;
    for window in &windows {
        let event = ClientMessageEvent::new(32, *window, protocols, [delete, 0, 0, 0, 0]);
        display.send_event(false, *window, EventMask::NO_EVENT, event)?;
    }
    display.flush()?;
    // A round trip, so that the messages are there before the connection goes.
    display.get_input_focus()?.reply()?;
    Ok(windows.len())
}

fn count(number: u32, pid: u32) -> Result<usize, Box<dyn std::error::Error>> {
    let (display, screen) = x11rb::connect(Some(&format!(":{number}")))?;
    Ok(closable(&display, screen, pid)?.len())
}

/// The top-level windows of a process that are shown and can be closed.
fn closable(
    display: &RustConnection,
    screen: usize,
    pid: u32,
) -> Result<Vec<Window>, Box<dyn std::error::Error>> {
    let root = display.setup().roots.get(screen).ok_or("no screen")?.root;
    let protocols = atom(display, "WM_PROTOCOLS")?;
    let delete = atom(display, "WM_DELETE_WINDOW")?;
    let pid_of = atom(display, "_NET_WM_PID")?;
    let mut found = Vec::new();
    for window in display.query_tree(root)?.reply()?.children {
        let closable = (|| -> Result<bool, ReplyError> {
            let state = display.get_window_attributes(window)?.reply()?.map_state;
            let owner = numbers(display, window, pid_of, AtomEnum::CARDINAL.into())?;
            let understood = numbers(display, window, protocols, AtomEnum::ATOM.into())?;
            Ok(state == MapState::VIEWABLE
                && owner.first() == Some(&pid)
                && understood.contains(&delete))
        })();
        match closable {
            Ok(true) => found.push(window),
            Ok(false) => {}
            // Another program's window went away between being listed and being looked at.
            Err(ReplyError::X11Error(gone)) if gone.error_kind == ErrorKind::Window => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(found)
}

fn atom(display: &RustConnection, name: &str) -> Result<Atom, Box<dyn std::error::Error>> {
    Ok(display.intern_atom(false, name.as_bytes())?.reply()?.atom)
}

fn numbers(
    display: &RustConnection,
    window: Window,
    property: Atom,
    kind: Atom,
) -> Result<Vec<u32>, ReplyError> {
    let reply = display
        .get_property(false, window, property, kind, 0, 64)?
        .reply()?;
    Ok(reply.value32().map(Iterator::collect).unwrap_or_default())
}

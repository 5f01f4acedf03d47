//! Closes a window the way its close button does: the display has no window manager that could.

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

fn ask(number: u32, pid: u32) -> Result<u32, Box<dyn std::error::Error>> {
    let (display, screen) = x11rb::connect(Some(&format!(":{number}")))?;
    let root = display.setup().roots.get(screen).ok_or("no screen")?.root;
    let protocols = atom(&display, "WM_PROTOCOLS")?;
    let delete = atom(&display, "WM_DELETE_WINDOW")?;
    let pid_of = atom(&display, "_NET_WM_PID")?;
    let mut asked = 0;
    for window in display.query_tree(root)?.reply()?.children {
        let closable = (|| -> Result<bool, ReplyError> {
            let state = display.get_window_attributes(window)?.reply()?.map_state;
            let owner = numbers(&display, window, pid_of, AtomEnum::CARDINAL.into())?;
            let understood = numbers(&display, window, protocols, AtomEnum::ATOM.into())?;
            Ok(state == MapState::VIEWABLE
                && owner.first() == Some(&pid)
                && understood.contains(&delete))
        })();
        match closable {
            Ok(true) => {}
            Ok(false) => continue,
            // Another program's window went away between being listed and being looked at.
            Err(ReplyError::X11Error(gone)) if gone.error_kind == ErrorKind::Window => continue,
            Err(error) => return Err(error.into()),
        }
        let event = ClientMessageEvent::new(32, window, protocols, [delete, 0, 0, 0, 0]);
        display.send_event(false, window, EventMask::NO_EVENT, event)?;
        asked += 1;
    }
    display.flush()?;
    // A round trip, so that the messages are there before the connection goes.
    display.get_input_focus()?.reply()?;
    Ok(asked)
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

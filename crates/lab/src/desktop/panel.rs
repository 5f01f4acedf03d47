//! The part of a desktop that shows tray icons and notices: a StatusNotifierWatcher with a host, and a notification server
//! (freedesktop.org StatusNotifierItem; Desktop Notifications Specification 1.2). It shows nothing and remembers all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use zbus::message::Header;
use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};

use super::DesktopSession;
use crate::LabError;
use crate::wait::until;

const WATCHER: &str = "org.kde.StatusNotifierWatcher";
const NOTICES: &str = "org.freedesktop.Notifications";
const ITEM: &str = "org.kde.StatusNotifierItem";
const MENU: &str = "com.canonical.dbusmenu";
/// How long a program may take to put its icon there.
const COMES: Duration = Duration::from_secs(30);

/// A menu's number, properties and entries, as com.canonical.dbusmenu gives them.
type Layout = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

/// A panel in a session. Dropping it takes it away.
pub struct Panel {
    bus: zbus::Connection,
    seen: Shared,
}

type Shared = Arc<Mutex<Seen>>;

#[derive(Default)]
struct Seen {
    /// Bus name and path of each icon.
    items: Vec<(String, String)>,
    /// Title and body of each notice.
    notices: Vec<(String, String)>,
}

fn locked(seen: &Shared) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An entry of a menu.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MenuEntry {
    /// Its number.
    pub id: i32,
    /// What it says; empty for a line between others.
    pub label: String,
    /// Whether it can be chosen.
    pub enabled: bool,
}

impl Panel {
    /// Puts one into a session that has a bus.
    ///
    /// # Errors
    /// There is no bus, or somebody plays this part already.
    pub async fn show(session: &DesktopSession) -> Result<Self, LabError> {
        let seen = Shared::default();
        let bus = zbus::connection::Builder::address(session.bus_address().as_str())?
            .serve_at("/StatusNotifierWatcher", Watcher(Arc::clone(&seen)))?
            .serve_at("/org/freedesktop/Notifications", Notices(Arc::clone(&seen)))?
            .name(WATCHER)?
            .name(NOTICES)?
            .build()
            .await?;
        Ok(Self { bus, seen })
    }

    /// The notices so far: title and body.
    #[must_use]
    pub fn notices(&self) -> Vec<(String, String)> {
        locked(&self.seen).notices.clone()
    }

    /// The menu of the one icon, once it is there.
    ///
    /// # Errors
    /// None comes, or its program does not answer.
    pub async fn menu(&self) -> Result<Vec<MenuEntry>, LabError> {
        let menu = self.menu_proxy().await?;
        let all = (0_i32, -1_i32, Vec::<String>::new());
        let (_, (_, _, entries)): (u32, Layout) = menu.call("GetLayout", &all).await?;
        entries.into_iter().map(entry).collect()
    }

    /// Chooses an entry by its label.
    ///
    /// # Errors
    /// There is none, it cannot be chosen, or the program does not answer.
    pub async fn choose(&self, label: &str) -> Result<(), LabError> {
        let entries = self.menu().await?;
        let found = entries
            .iter()
            .find(|entry| entry.label == label && entry.enabled);
        let entry =
            found.ok_or_else(|| LabError::Unexpected(format!("no “{label}” in {entries:?}")))?;
        let menu = self.menu_proxy().await?;
        let event = (entry.id, "clicked", Value::from(0_i32), 0_u32);
        // “Quit” is an end that nobody answers after.
        Ok(menu.call_noreply("Event", &event).await?)
    }

    async fn menu_proxy(&self) -> Result<zbus::Proxy<'static>, LabError> {
        let (owner, path) = until("a tray icon", COMES, async || {
            Ok(locked(&self.seen).items.last().cloned())
        })
        .await?;
        let item = zbus::Proxy::new(&self.bus, owner.clone(), path, ITEM).await?;
        let menu: OwnedObjectPath = item.get_property("Menu").await?;
        Ok(zbus::Proxy::new(&self.bus, owner, menu, MENU).await?)
    }
}

fn entry(value: OwnedValue) -> Result<MenuEntry, LabError> {
    let (id, properties, _) = Layout::try_from(value).map_err(zbus::Error::from)?;
    let label = properties
        .get("label")
        .and_then(|label| <&str>::try_from(label).ok());
    let enabled = properties
        .get("enabled")
        .and_then(|enabled| bool::try_from(enabled).ok());
    Ok(MenuEntry {
        id,
        // An underline marks the key of an entry.
        label: label.unwrap_or_default().replace('_', ""),
        enabled: enabled.unwrap_or(true),
    })
}

struct Watcher(Shared);

#[zbus::interface(name = "org.kde.StatusNotifierWatcher")]
impl Watcher {
    fn register_status_notifier_item(&self, #[zbus(header)] header: Header<'_>, service: &str) {
        let Some(sender) = header.sender() else {
            return;
        };
        // Some programs give the path of their icon, others the name of a bus connection that has it at the usual path.
        let path = if service.starts_with('/') {
            service
        } else {
            "/StatusNotifierItem"
        };
        locked(&self.0)
            .items
            .push((sender.to_string(), path.to_owned()));
    }

    fn register_status_notifier_host(&self, _service: &str) {}

    #[zbus(property)]
    fn registered_status_notifier_items(&self) -> Vec<String> {
        let seen = locked(&self.0);
        seen.items
            .iter()
            .map(|(owner, path)| format!("{owner}{path}"))
            .collect()
    }

    #[zbus(property)]
    fn is_status_notifier_host_registered(&self) -> bool {
        true
    }

    #[zbus(property)]
    fn protocol_version(&self) -> i32 {
        0
    }
}

struct Notices(Shared);

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Notices {
    #[expect(clippy::too_many_arguments, reason = "the specification has so many")]
    fn notify(
        &self,
        _app_name: &str,
        _replaces_id: u32,
        _app_icon: &str,
        summary: &str,
        body: &str,
        _actions: Vec<String>,
        _hints: HashMap<String, OwnedValue>,
        _expire_timeout: i32,
    ) -> u32 {
        let mut seen = locked(&self.0);
        seen.notices.push((summary.to_owned(), body.to_owned()));
        u32::try_from(seen.notices.len()).unwrap_or(u32::MAX)
    }

    fn close_notification(&self, _id: u32) {}

    fn get_capabilities(&self) -> Vec<String> {
        vec!["body".to_owned()]
    }

    fn get_server_information(&self) -> (String, String, String, String) {
        ["lab", "freewheel", "1", "1.2"].map(str::to_owned).into()
    }
}

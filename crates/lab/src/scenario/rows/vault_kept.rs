//! What the keyring of the row's desktop session keeps for Freewheel, read back past the app.

use std::collections::{BTreeMap, HashMap};

use zbus::zvariant::{OwnedObjectPath, OwnedValue, Value};

use crate::LabError;

const SECRETS: &str = "org.freedesktop.secrets";
const SECRETS_PATH: &str = "/org/freedesktop/secrets";
const SERVICE: &str = "org.freedesktop.Secret.Service";
const ITEM: &str = "org.freedesktop.Secret.Item";

/// A secret as it travels: the session, parameters, the value, its media type (Secret Service API, "Secret").
type Secret = (OwnedObjectPath, Vec<u8>, Vec<u8>, String);

/// The bytes of each entry, by the account's name.
pub(super) async fn kept() -> Result<BTreeMap<String, usize>, LabError> {
    let bus = zbus::Connection::session().await?;
    let service = zbus::Proxy::new(&bus, SECRETS, SECRETS_PATH, SERVICE).await?;
    let ours = HashMap::from([("service", "freewheel")]);
    let (open, locked): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) =
        service.call("SearchItems", &(ours,)).await?;
    if !locked.is_empty() {
        return Err(LabError::Unexpected("the keyring is locked".to_owned()));
    }
    let (_, session): (OwnedValue, OwnedObjectPath) = service
        .call("OpenSession", &("plain", Value::from("")))
        .await?;
    let mut kept = BTreeMap::new();
    for path in open {
        let item = zbus::Proxy::new(&bus, SECRETS, path, ITEM).await?;
        let mut names: HashMap<String, String> = item.get_property("Attributes").await?;
        let name = names.remove("username").unwrap_or_default();
        let (_, _, value, _): Secret = item.call("GetSecret", &(&session,)).await?;
        kept.insert(name, value.len());
    }
    Ok(kept)
}

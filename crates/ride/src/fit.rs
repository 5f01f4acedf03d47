//! FIT activity files (Garmin FIT protocol 2.0, profile 21; activity files as in the FIT SDK's
//! "Encoding FIT Activity Files").
//!
//! A pure function of the recorded ride: the same ride gives the same bytes. One record a second, a
//! lap for every segment that was ridden, timer events around pauses. What was not measured is left out.

mod body;
mod times;
mod totals;

use std::io::Cursor;

use embedded_io_adapters::std::FromStd;
use rustyfit::profile::{mesgdef, typedef};
use rustyfit::proto::{FIT, Message};
use rustyfit::{Encoder, HeaderOption};

use crate::journal::{RecordedRide, RideHeader};
use times::Times;
use totals::Part;

/// Our product number under the manufacturer id for development.
const PRODUCT: u16 = 1;
/// Definitions that may be in use at once; records differ by what was measured.
const LOCAL_DEFINITIONS: u8 = 15;
/// Longest text in bytes; a FIT field holds 255 with its final zero.
const LONGEST_TEXT: usize = 120;

/// The file could not be built.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct FitError(String);

/// The FIT file of a ride.
///
/// # Errors
/// The encoder refused a message; the text names it.
pub fn encode(ride: &RecordedRide) -> Result<Vec<u8>, FitError> {
    let mut fit = FIT {
        messages: messages(ride),
        ..FIT::default()
    };
    let mut bytes = Vec::new();
    Encoder::builder()
        .header_option(HeaderOption::Normal(LOCAL_DEFINITIONS))
        .build()
        .encode(&mut FromStd::new(Cursor::new(&mut bytes)), &mut fit)
        .map_err(|error| FitError(error.to_string()))?;
    Ok(bytes)
}

fn messages(ride: &RecordedRide) -> Vec<Message> {
    let times = Times::from_start(ride.header.started_at);
    let whole = Part::whole(ride);
    let laps = totals::laps(ride);

    let mut messages = head(&ride.header, times);
    messages.extend(body::messages(ride, &laps, times));
    messages.push(totals::session(
        &whole,
        ride.header.ftp_watts,
        laps.len(),
        times,
    ));
    messages.push(activity(&whole, times));
    messages
}

fn head(header: &RideHeader, times: Times) -> Vec<Message> {
    let start = times.of(header.started_at);

    let mut file = mesgdef::FileId::new();
    file.r#type = typedef::File::ACTIVITY;
    file.manufacturer = typedef::Manufacturer::DEVELOPMENT;
    file.product = PRODUCT;
    file.product_name = "Freewheel".into();
    file.serial_number = serial_number(header);
    file.time_created = start;

    let mut creator = mesgdef::FileCreator::new();
    creator.software_version = software_version();

    let mut program = mesgdef::DeviceInfo::new();
    program.timestamp = start;
    program.device_index = typedef::DeviceIndex::CREATOR;
    program.manufacturer = typedef::Manufacturer::DEVELOPMENT;
    program.product = PRODUCT;
    program.product_name = "Freewheel".into();
    program.software_version = software_version();
    program.source_type = typedef::SourceType::LOCAL;

    let mut trainer = mesgdef::DeviceInfo::new();
    trainer.timestamp = start;
    trainer.device_index = typedef::DeviceIndex(1);
    trainer.manufacturer = typedef::Manufacturer::DEVELOPMENT;
    trainer.product_name = trainer_name(header).into();
    trainer.source_type = if header.simulated {
        typedef::SourceType::LOCAL
    } else {
        typedef::SourceType::BLUETOOTH_LOW_ENERGY
    };

    let mut messages = vec![
        file.into(),
        creator.into(),
        program.into(),
        Message::from(trainer),
    ];
    if let Some(workout) = &header.workout {
        let mut message = mesgdef::Workout::new();
        message.wkt_name = text(&workout.name).into();
        message.sport = typedef::Sport::CYCLING;
        message.sub_sport = typedef::SubSport::INDOOR_CYCLING;
        messages.push(message.into());
    }
    messages
}

fn activity(whole: &Part, times: Times) -> Message {
    let mut activity = mesgdef::Activity::new();
    activity.timestamp = times.of(whole.end);
    activity.total_timer_time = whole.timer_milliseconds();
    activity.num_sessions = 1;
    activity.r#type = typedef::Activity::MANUAL;
    activity.event = typedef::Event::ACTIVITY;
    activity.event_type = typedef::EventType::STOP;
    activity.into()
}

/// A simulated trainer is named as one, whatever it calls itself.
fn trainer_name(header: &RideHeader) -> String {
    let name = text(&header.trainer);
    if header.simulated && !name.to_lowercase().contains("simulated") {
        format!("{name} (simulated)")
    } else {
        name
    }
}

/// From the random end of the ride's id; zero means unknown in FIT.
fn serial_number(header: &RideHeader) -> u32 {
    let [.., a, b, c, d] = *header.id.as_bytes();
    u32::from_be_bytes([a, b, c, d]).max(1)
}

/// Hundredths, as FIT counts versions: 1.2.x is 120.
fn software_version() -> u16 {
    let number = |text: &str| text.parse::<u16>().unwrap_or(0);
    number(env!("CARGO_PKG_VERSION_MAJOR")) * 100 + number(env!("CARGO_PKG_VERSION_MINOR")) * 10
}

/// Text that fits into a field and holds no zero byte.
fn text(text: &str) -> String {
    let clean: String = text.chars().filter(|c| !c.is_control()).collect();
    let end = clean.floor_char_boundary(LONGEST_TEXT);
    clean.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;

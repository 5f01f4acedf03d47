//! One element inside `<workout>` as one step.

use crate::limits::MAX_REPEAT;
use crate::model::{Effort, IntervalPart};
use crate::read::{Notices, ReadError};
use crate::zwo::element::Element;

/// The middle of each zone from 1 to 7, for files that give a zone in place of a power.
const ZONE_MIDDLES: [f64; 7] = [0.5, 0.65, 0.825, 0.975, 1.125, 1.35, 1.75];

const DURATION: &[&str] = &["Duration"];
const LOW: &[&str] = &["PowerLow"];
const HIGH: &[&str] = &["PowerHigh"];

/// Attributes that are understood, or that say nothing about what to ride.
const KNOWN: &[&str] = &[
    "duration",
    "power",
    "powerlow",
    "powerhigh",
    "zone",
    "cadence",
    "cadencelow",
    "cadencehigh",
    "cadenceresting",
    "repeat",
    "onduration",
    "offduration",
    "onpower",
    "offpower",
    "poweronlow",
    "poweronhigh",
    "powerofflow",
    "poweroffhigh",
    "poweronzone",
    "poweroffzone",
    "pace",
    "flatroad",
    "overunder",
    "ftptest",
    "ramptest",
    "show_avg",
    "showavg",
    "text",
    "units",
    "target",
    "quantize",
    "endatroadtime",
    "failthresholdduration",
    "neverfails",
    "forced_performance_test",
    "replacement_prescription",
    "replacement_verb",
];

/// The effort of a step; `None` for an element that is none, which is remarked.
///
/// # Errors
/// A value that is needed is absent, or one is not a number or out of range.
pub fn effort(element: &Element<'_>, notices: &mut Notices) -> Result<Option<Effort>, ReadError> {
    let effort = match element.name().to_ascii_lowercase().as_str() {
        "steadystate" | "solidstate" => steady(element, notices)?,
        "warmup" | "cooldown" | "ramp" => ramp(element, notices)?,
        "intervalst" => intervals(element, notices)?,
        "freeride" => Effort::FreeRide {
            seconds: element.seconds(DURATION, notices)?,
            cadence: cadence(element)?,
        },
        "maxeffort" => Effort::MaxEffort {
            seconds: element.seconds(DURATION, notices)?,
            cadence: cadence(element)?,
        },
        _ => {
            let message = "this kind of step is not known and was left out; \
                           the workout may be shorter than its author meant";
            notices.push(element.line(), Some(element.name()), None, message);
            return Ok(None);
        }
    };
    for attribute in element.node.attributes() {
        if !KNOWN.contains(&attribute.name().to_ascii_lowercase().as_str()) {
            let line = element.lines.at(attribute.range().start);
            let message = "this attribute is not known and was left out";
            notices.push(line, Some(element.name()), Some(attribute.name()), message);
        }
    }
    if effort.seconds() == 0 {
        let message = "the step has no length and was left out";
        notices.push(element.line(), Some(element.name()), None, message);
        return Ok(None);
    }
    Ok(Some(effort))
}

fn steady(element: &Element<'_>, notices: &mut Notices) -> Result<Effort, ReadError> {
    let seconds = element.seconds(DURATION, notices)?;
    let power = match element.power(&["Power"])? {
        Some(power) => power,
        None => middle_of_range(element, notices)?,
    };
    Ok(Effort::Steady {
        seconds,
        power,
        cadence: cadence(element)?,
    })
}

/// A steady step may give a range or a zone in place of a power.
fn middle_of_range(element: &Element<'_>, notices: &mut Notices) -> Result<f64, ReadError> {
    let power = match (element.power(LOW)?, element.power(HIGH)?) {
        (Some(low), Some(high)) => crate::number::tidy(f64::midpoint(low, high)),
        (Some(only), None) | (None, Some(only)) => return Ok(only),
        (None, None) => {
            let remedy = "Add Power=\"…\" as a fraction of FTP, such as 0.75 for 75 %.";
            return zone(element, &["Zone"], notices)?
                .ok_or_else(|| element.missing(&["Power"], remedy));
        }
    };
    let message = format!("a steady step with a range of power is ridden at its middle, {power}");
    notices.push(element.line(), Some(element.name()), None, message);
    Ok(power)
}

/// In all three kinds `PowerLow` is where the step starts, also where it is the larger number.
fn ramp(element: &Element<'_>, notices: &mut Notices) -> Result<Effort, ReadError> {
    let seconds = element.seconds(DURATION, notices)?;
    let cadence = cadence(element)?;
    let steady = match (element.power(LOW)?, element.power(HIGH)?) {
        (Some(from), Some(to)) => {
            return Ok(Effort::Ramp {
                seconds,
                from,
                to,
                cadence,
            });
        }
        (None, None) => match element.power(&["Power"])? {
            Some(power) => Some(power),
            None => zone(element, &["Zone"], notices)?,
        },
        (Some(_), None) | (None, Some(_)) => None,
    };
    if let Some(power) = steady {
        return Ok(Effort::Steady {
            seconds,
            power,
            cadence,
        });
    }
    let lacking = if element.attribute(LOW).is_none() {
        LOW
    } else {
        HIGH
    };
    let remedy = "Give PowerLow (at the start) and PowerHigh (at the end) as fractions of FTP.";
    Err(element.missing(lacking, remedy))
}

fn intervals(element: &Element<'_>, notices: &mut Notices) -> Result<Effort, ReadError> {
    let repeat = match element.count(&["Repeat"], MAX_REPEAT)? {
        Some(repeat) => repeat,
        None => {
            let message = "Repeat is missing; the set is ridden once";
            notices.push(
                element.line(),
                Some(element.name()),
                Some("Repeat"),
                message,
            );
            1
        }
    };
    let on = IntervalPart {
        seconds: element.seconds(&["OnDuration"], notices)?,
        cadence: cadence(element)?,
        ..part(element, &ON, notices)?
    };
    let off = IntervalPart {
        seconds: element.seconds(&["OffDuration"], notices)?,
        cadence: element.cadence(&["CadenceResting"], &[], &[])?,
        ..part(element, &OFF, notices)?
    };
    Ok(Effort::Intervals { repeat, on, off })
}

/// How one half of the intervals is spelled.
struct Half {
    power: &'static [&'static str],
    low: &'static [&'static str],
    high: &'static [&'static str],
    zone: &'static [&'static str],
}

const ON: Half = Half {
    power: &["OnPower"],
    low: &["PowerOnLow"],
    high: &["PowerOnHigh"],
    zone: &["PowerOnZone"],
};

const OFF: Half = Half {
    power: &["OffPower"],
    low: &["PowerOffLow"],
    high: &["PowerOffHigh"],
    zone: &["PowerOffZone"],
};

/// The powers of one half; length and cadence are the caller's.
fn part(
    element: &Element<'_>,
    half: &Half,
    notices: &mut Notices,
) -> Result<IntervalPart, ReadError> {
    let (from, to) = match (
        element.power(half.power)?,
        element.power(half.low)?,
        element.power(half.high)?,
    ) {
        (Some(power), _, _) => (power, power),
        (None, Some(low), Some(high)) => (low, high),
        (None, Some(only), None) | (None, None, Some(only)) => (only, only),
        (None, None, None) => {
            let remedy = "Add it as a fraction of FTP, such as 1.1 for 110 %.";
            let power = zone(element, half.zone, notices)?
                .ok_or_else(|| element.missing(half.power, remedy))?;
            (power, power)
        }
    };
    Ok(IntervalPart {
        seconds: 0,
        from,
        to,
        cadence: None,
    })
}

fn zone(
    element: &Element<'_>,
    names: &[&str],
    notices: &mut Notices,
) -> Result<Option<f64>, ReadError> {
    let Some(zone) = element.count(names, 7)? else {
        return Ok(None);
    };
    let index = usize::try_from(zone).unwrap_or_default().saturating_sub(1);
    let power = ZONE_MIDDLES.get(index).copied();
    if let Some(power) = power {
        let message = format!("zone {zone} is ridden at its middle, {power}");
        notices.push(
            element.line(),
            Some(element.name()),
            names.first().copied(),
            message,
        );
    }
    Ok(power)
}

fn cadence(element: &Element<'_>) -> Result<Option<crate::model::Cadence>, ReadError> {
    element.cadence(&["Cadence"], &["CadenceLow"], &["CadenceHigh"])
}

//! The plot: requests per second over time, one panel for each scenario, one line for each policy.

use std::fmt::Write as _;

use crate::fleet::comparison::{Chapter, Run};
use crate::fleet::policy::Policy;

/// Seconds in one step of a line; it shows the worst of them.
const STEP: u32 = 20;
/// Width of a step, in px.
const STEP_WIDTH: f64 = 1.6;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 40.0;
/// A panel with its title and its axis.
const PANEL: f64 = 236.0;
const TITLE: f64 = 26.0;
const HEIGHT: f64 = 176.0;

const STYLE: &str = "
  svg { color-scheme: light dark; background: #ffffff; }
  text { font: 12px system-ui, sans-serif; fill: #3a3f45; }
  .title { font-weight: 600; fill: #16191d; }
  .grid { stroke: #e3e6ea; }
  .outage { fill: #f3f1ec; }
  .capacity { stroke: #6b7280; stroke-dasharray: 2 4; }
  .line { fill: none; stroke-width: 1.25; stroke-linejoin: round; }
  .ours { stroke: #0b62c4; stroke-width: 2.25; }
  .fixed { stroke: #c0392b; }
  .exponential { stroke: #8a5a00; stroke-dasharray: 6 3; }
  .equal { stroke: #7b3fb5; stroke-dasharray: 2 2; }
  .full { stroke: #1d8348; }
  @media (prefers-color-scheme: dark) {
    svg { background: #14171a; }
    text { fill: #b8bfc7; }
    .title { fill: #f0f2f4; }
    .grid { stroke: #2b3036; }
    .outage { fill: #1e2125; }
    .capacity { stroke: #8b939d; }
    .ours { stroke: #5fb0ff; }
    .fixed { stroke: #ff7b6b; }
    .exponential { stroke: #e6b450; }
    .equal { stroke: #c99bf5; }
    .full { stroke: #5fd08c; }
  }
";

/// The plot as an SVG document.
#[must_use]
pub fn plot(chapters: &[Chapter]) -> String {
    let steps = chapters.first().map_or(0.0, steps);
    let width = LEFT + steps * STEP_WIDTH + RIGHT;
    let mut panels = String::new();
    let mut top = TOP;
    for chapter in chapters {
        panel(&mut panels, chapter, top);
        top += PANEL;
    }
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {top:.0}\" \
         width=\"{width:.0}\" height=\"{top:.0}\" role=\"img\">\n\
         <title>Requests per second of a fleet in an outage, for five policies</title>\n\
         <style>{STYLE}</style>\n"
    );
    svg.push_str(&legend());
    svg.push_str(&panels);
    svg.push_str("</svg>\n");
    svg
}

fn legend() -> String {
    let mut text = String::new();
    let mut x = LEFT;
    for policy in Policy::ALL {
        let (class, name) = (class(policy), policy.name());
        let _ = writeln!(
            text,
            "<path class=\"line {class}\" d=\"M{x:.0} 20h28\"/><text x=\"{:.0}\" y=\"24\">{name}</text>",
            x + 34.0
        );
        x += 124.0;
    }
    let _ = writeln!(
        text,
        "<path class=\"capacity\" d=\"M{x:.0} 20h28\"/><text x=\"{:.0}\" y=\"24\">what the server can do</text>",
        x + 34.0
    );
    text
}

fn panel(svg: &mut String, chapter: &Chapter, top: f64) {
    let (top, bottom) = (top + TITLE, top + TITLE + HEIGHT);
    let right = LEFT + steps(chapter) * STEP_WIDTH;
    let scale = Scale::of(chapter, bottom);
    let title = chapter.scenario.title();
    let _ = writeln!(
        svg,
        "<text class=\"title\" x=\"{LEFT:.0}\" y=\"{:.0}\">{title}</text>",
        top - 9.0
    );
    let from = x(chapter.scenario.outage_from() / 1_000);
    let until = x(chapter.scenario.outage_until() / 1_000);
    let _ = writeln!(
        svg,
        "<path class=\"outage\" d=\"M{from:.1} {top:.0}H{until:.1}V{bottom:.0}H{from:.1}z\"/>"
    );
    for decade in 0..=scale.decades {
        let y = scale.y(10_f64.powi(decade));
        let _ = writeln!(
            svg,
            "<path class=\"grid\" d=\"M{LEFT:.0} {y:.1}H{right:.1}\"/>\
             <text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 6.0,
            y + 4.0,
            power(decade)
        );
    }
    ticks(svg, chapter, bottom);
    let capacity = scale.y(f64::from(chapter.scenario.capacity()));
    let _ = writeln!(
        svg,
        "<path class=\"capacity\" d=\"M{LEFT:.0} {capacity:.1}H{right:.1}\"/>"
    );
    // Ours last, on top of the others.
    for run in chapter.runs.iter().rev() {
        line(svg, run, &scale);
    }
}

/// Every half hour, counted from the beginning of the outage.
fn ticks(svg: &mut String, chapter: &Chapter, bottom: f64) {
    const HALF_HOUR: u32 = 1_800;
    let (from, end) = (
        chapter.scenario.outage_from() / 1_000,
        chapter.scenario.end() / 1_000,
    );
    let mut second = from;
    while second <= end {
        let (x, minutes) = (x(second), (second - from) / 60);
        let unit = if second == from { " min" } else { "" };
        let _ = writeln!(
            svg,
            "<path class=\"grid\" d=\"M{x:.1} {bottom:.0}v5\"/>\
             <text x=\"{x:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{minutes}{unit}</text>",
            bottom + 18.0
        );
        second += HALF_HOUR;
    }
}

fn line(svg: &mut String, run: &Run, scale: &Scale) {
    let mut path = String::new();
    let mut drawing = false;
    for (number, seconds) in (0_u32..).zip(run.tally.requests.chunks(STEP as usize)) {
        let worst = seconds.iter().copied().max().unwrap_or(0);
        if worst == 0 {
            drawing = false;
            continue;
        }
        let x = LEFT + f64::from(number) * STEP_WIDTH;
        let y = scale.y(worst.into());
        let pen = if drawing { 'L' } else { 'M' };
        let _ = write!(path, "{pen}{x:.1} {y:.0}");
        drawing = true;
    }
    let class = class(run.policy);
    let _ = writeln!(svg, "<path class=\"line {class}\" d=\"{path}\"/>");
}

/// The vertical axis: one request per second at the bottom, then decades.
struct Scale {
    decades: i32,
    bottom: f64,
}

impl Scale {
    fn of(chapter: &Chapter, bottom: f64) -> Self {
        let peaks = chapter.runs.iter().map(|run| run.tally.summary().peak());
        let peak = peaks.max().unwrap_or(1).max(1);
        let decades = (0..).find(|decade| 10_f64.powi(*decade) >= f64::from(peak));
        Self {
            decades: decades.unwrap_or(1).max(1),
            bottom,
        }
    }

    fn y(&self, rate: f64) -> f64 {
        let part = rate.max(1.0).log10() / f64::from(self.decades);
        self.bottom - HEIGHT * part.min(1.0)
    }
}

fn x(second: u32) -> f64 {
    LEFT + f64::from(second) / f64::from(STEP) * STEP_WIDTH
}

fn steps(chapter: &Chapter) -> f64 {
    f64::from(chapter.scenario.end() / 1_000) / f64::from(STEP)
}

const fn class(policy: Policy) -> &'static str {
    match policy {
        Policy::Ours => "ours",
        Policy::Fixed => "fixed",
        Policy::Exponential => "exponential",
        Policy::EqualJitter => "equal",
        Policy::FullJitter => "full",
    }
}

/// `1`, `10`, `1k`, `10M`.
fn power(decade: i32) -> String {
    let unit = ["", "k", "M", "G"];
    let thousands = usize::try_from(decade / 3).unwrap_or(0);
    let number = 10_u32.pow(u32::try_from(decade % 3).unwrap_or(0));
    format!("{number}{}", unit.get(thousands).unwrap_or(&""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decades_are_written_shortly() {
        let written = [0, 1, 2, 3, 5, 6].map(power);
        assert_eq!(written, ["1", "10", "100", "1k", "100k", "1M"]);
    }
}

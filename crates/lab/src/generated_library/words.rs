//! Names, authors, descriptions and tags: a few hundred words, common ones and rare ones.

use super::chance::Chance;
use super::sessions::Kind;

pub(super) struct Text {
    pub(super) name: String,
    pub(super) author: String,
    pub(super) description: String,
    pub(super) tags: Vec<String>,
}

const QUALITIES: [&str; 40] = [
    "Amber", "Quiet", "Iron", "Copper", "Northern", "Hollow", "Bright", "Crooked", "Silver",
    "Patient", "Wooden", "Restless", "Green", "Distant", "Frozen", "Golden", "Narrow", "Salted",
    "Steep", "Velvet", "Windy", "Broken", "Early", "Late", "Long", "Short", "Double", "Lonely",
    "Rusty", "Gentle", "Burning", "Hidden", "Morning", "Midnight", "Summer", "Winter", "Coastal",
    "Alpine", "Dusty", "Émigré",
];

const THINGS: [&str; 44] = [
    "Causeway",
    "Lantern",
    "Quarry",
    "Orchard",
    "Viaduct",
    "Harbour",
    "Windmill",
    "Bridge",
    "Valley",
    "Ladder",
    "Furnace",
    "Meadow",
    "Ridge",
    "Tunnel",
    "Beacon",
    "Anvil",
    "Switchback",
    "Towpath",
    "Cobbles",
    "Chapel",
    "Reservoir",
    "Plateau",
    "Ferry",
    "Crossing",
    "Kettle",
    "Spindle",
    "Staircase",
    "Millrace",
    "Gatehouse",
    "Clocktower",
    "Escarpment",
    "Estuary",
    "Hairpin",
    "Roundabout",
    "Freewheel",
    "Chainring",
    "Sprocket",
    "Headwind",
    "Tailwind",
    "Café",
    "Straße",
    "Col",
    "Passo",
    "Fjord",
];

const AUTHORS: [&str; 24] = [
    "Ida Castellan",
    "Jörg Aster",
    "Élodie Brandt",
    "Tomás Whitlow",
    "Priya Raman",
    "Ben Oakes",
    "Marta Lindqvist",
    "Kenji Sato",
    "Oluwaseun Adeyemi",
    "Hannah Pike",
    "Lars Nygård",
    "Chiara Bellandi",
    "Sean Mullane",
    "Zofia Krawczyk",
    "Ruth Abelson",
    "Mateo Ferrer",
    "Anouk de Wit",
    "Dilan Kaya",
    "Greta Holm",
    "Paul Renner",
    "Yara Haddad",
    "Callum Frew",
    "Nadia Petrova",
    "Wei Zhang",
];

const OPENINGS: [&str; 12] = [
    "A steady ride for a day between two hard ones.",
    "Built for the weeks before the first race.",
    "Short on time and long on purpose.",
    "For dark evenings when the road is wet.",
    "Start easier than you think you should.",
    "The kind of session that looks simple on paper.",
    "Good company for a whole album of music.",
    "Ride it fresh, or leave it for tomorrow.",
    "A first taste of structured training.",
    "Made for riders who climb in their sleep.",
    "Keep the shoulders loose and the breathing low.",
    "Everything you need after a week away from the bike.",
];

const ADVICE: [&str; 12] = [
    "If the last minutes fall apart, lower the target by three percent.",
    "Drink in every recovery.",
    "Stay seated through the blocks and stand only in the rests.",
    "Watch the cadence before you watch the power.",
    "Hold the effort evenly from the first second to the last.",
    "Choose a gear that lets the legs spin.",
    "Count the breaths when the numbers stop helping.",
    "Stop early rather than limp home.",
    "Eat something small an hour before.",
    "Repeat it in two weeks and compare the heart rate.",
    "A fan makes more difference here than willpower.",
    "The final interval is the one that counts.",
];

pub(super) fn text(kind: Kind, chance: &mut Chance) -> Text {
    let (label, sentence, tags) = about(kind);
    let thing = chance.pick(&THINGS);
    let name = match chance.between(0, 3) {
        0 => format!("{} {thing}", chance.pick(&QUALITIES)),
        1 => format!("{} {thing}: {label}", chance.pick(&QUALITIES)),
        2 => format!("{label} {}x{}", chance.between(2, 9), chance.between(4, 20)),
        _ => format!(
            "The {} {thing} {}",
            chance.pick(&QUALITIES),
            chance.between(1, 60)
        ),
    };
    let description = [chance.pick(&OPENINGS), sentence, chance.pick(&ADVICE)].join(" ");
    let mut tags: Vec<String> = tags.iter().map(|&tag| tag.to_owned()).collect();
    if chance.once_in(5) {
        tags.push("race".to_owned());
    }
    if chance.once_in(7) {
        tags.push("beginner".to_owned());
    }
    Text {
        name,
        author: chance.pick(&AUTHORS).to_owned(),
        description,
        tags,
    }
}

/// What it is called, what it does, and what it is found by.
fn about(kind: Kind) -> (&'static str, &'static str, &'static [&'static str]) {
    match kind {
        Kind::Recovery => (
            "Recovery Spin",
            "Easy pedalling that brings fresh blood to tired legs.",
            &["recovery", "easy"],
        ),
        Kind::Endurance => (
            "Endurance",
            "Long aerobic riding with a quick minute now and then.",
            &["endurance", "base"],
        ),
        Kind::Tempo => (
            "Tempo",
            "Brisk blocks that still allow a short sentence.",
            &["tempo", "base"],
        ),
        Kind::SweetSpot => (
            "Sweet Spot",
            "Just below threshold, where much work costs little.",
            &["sweet-spot", "build"],
        ),
        Kind::Threshold => (
            "Threshold",
            "Sustained efforts around the hour power.",
            &["threshold", "ftp", "build"],
        ),
        Kind::OverUnder => (
            "Over Under",
            "Waves above and below threshold, minute by minute.",
            &["over-under", "ftp"],
        ),
        Kind::Vo2Max => (
            "VO2 Max",
            "Hard intervals that end with a full breath and open mouth.",
            &["vo2max", "intervals"],
        ),
        Kind::Anaerobic => (
            "Anaerobic",
            "Half-minute attacks with long rests.",
            &["anaerobic", "intervals", "hard"],
        ),
        Kind::Sprint => (
            "Sprints",
            "A few seconds all out, then minutes of nothing.",
            &["sprint", "neuromuscular"],
        ),
        Kind::Cadence => (
            "Cadence Drills",
            "Leg speed in three steps at an even power.",
            &["cadence", "drills", "technique"],
        ),
    }
}

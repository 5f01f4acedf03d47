//! Stories that do one thing wrong each, on purpose: a look that finds nothing in them is of no use.

use freewheel_policy::edit::Field;
use freewheel_powercut::mark::Mark;
use freewheel_ride::finish_recorded;
use freewheel_sync::store::{EditTarget, NewEdit, RIDE_KIND, Store};
use rusqlite::{Connection, named_params};
use uuid::Uuid;

use crate::raw::{ANNA, START, begin, journal, open, sample, samples};
use crate::{Played, Scene};

pub(crate) fn play(fault: &str, scene: &Scene) -> Played {
    let store = open(scene)?;
    let ride = begin(&store)?;
    for second in 0..3 {
        sample(scene, &store, ride, second)?;
    }
    let faulty = Faulty {
        scene,
        athlete: Connection::open(store.home().athlete_db())?,
        store,
        ride,
    };
    match fault {
        "saved-before-it-is" => faulty.saved_before_it_is(),
        "finished-in-two-steps" => faulty.finished_in_two_steps(),
        "claimed-after-sending" => faulty.claimed_after_sending(),
        "receipt-before-its-effect" => faulty.receipt_before_its_effect(),
        "edited-before-it-is" => faulty.edited_before_it_is(),
        "edit-sent-before-its-claim" => faulty.edit_sent_before_its_claim(),
        "samples-without-sync" => faulty.samples_without_sync(),
        "tokens-before-their-key" => faulty.tokens_before_their_key(),
        "renewal-without-intent" => faulty.renewal_without_intent(),
        "file-without-sync" => faulty.file_without_sync(),
        "cursor-before-its-page" => faulty.cursor_before_its_page(),
        other => Err(format!("there is no story '{other}'").into()),
    }
}

struct Faulty<'a> {
    scene: &'a Scene,
    store: Store,
    athlete: Connection,
    ride: Uuid,
}

impl Faulty<'_> {
    fn id(&self) -> String {
        self.ride.to_string()
    }

    fn finish(&self) -> Played {
        finish_recorded(&journal(&self.store), self.ride)?;
        Ok(())
    }

    /// The screen says so while the disk still works.
    fn saved_before_it_is(&self) -> Played {
        self.scene.note(&Mark::Saved { ride: self.id() })?;
        self.finish()
    }

    /// The file is frozen in one transaction, and queued in the next.
    fn finished_in_two_steps(&self) -> Played {
        self.athlete.execute_batch("BEGIN IMMEDIATE")?;
        self.athlete.execute(
            "UPDATE ride SET state = 'finished', finished_at = :at, summary = '{}', fit = x'666974',
                 digest = 'da4270e3735a3418c9d462af2e17d045132dede43df058e85b1f0399fcf96f1b'",
            named_params! { ":at": START },
        )?;
        self.athlete.execute_batch("COMMIT")?;
        self.athlete.execute(
            "INSERT INTO outbox (id, account, kind, body, digest, created)
                 SELECT id, account, :kind, '{}', digest, :at FROM ride",
            named_params! { ":kind": RIDE_KIND, ":at": START },
        )?;
        Ok(())
    }

    /// The request leaves first.
    fn claimed_after_sending(&self) -> Played {
        self.finish()?;
        self.scene.note(&Mark::Sent { ride: self.id() })?;
        let claim = self.store.claim_due(RIDE_KIND, ANNA, START)?;
        claim.map(drop).ok_or("nothing to claim")?;
        Ok(())
    }

    /// The receipt is stored, and that the ride is delivered in the next transaction.
    fn receipt_before_its_effect(&self) -> Played {
        self.finish()?;
        let steps = ["receipt = '{}'", "state = 'delivered', delivered_at = 1"];
        for step in steps {
            let sql = format!("UPDATE outbox SET {step}");
            self.athlete.execute(&sql, [])?;
        }
        Ok(())
    }

    /// The screen says so while the disk still works.
    fn edited_before_it_is(&self) -> Played {
        self.scene.note(&Mark::Edited {
            target: self.id(),
            value: "Hills".to_owned(),
        })?;
        self.rename()
    }

    /// The request leaves first.
    fn edit_sent_before_its_claim(&self) -> Played {
        self.rename()?;
        self.scene.note(&Mark::EditsSent)?;
        self.athlete
            .execute("UPDATE edit SET state = 'in_flight', claims = 1", [])?;
        Ok(())
    }

    fn rename(&self) -> Played {
        self.store.put_edit(&NewEdit {
            id: self.ride,
            account: Some(ANNA.to_owned()),
            target: EditTarget::Ride(self.ride),
            field: Field::RideTitle,
            was: "Ride".to_owned(),
            value: "Hills".to_owned(),
            base: 0,
            made: START,
        })?;
        Ok(())
    }

    /// As if somebody had thought the cache's setting good enough for rides.
    fn samples_without_sync(&self) -> Played {
        self.athlete.pragma_update(None, "synchronous", "normal")?;
        for second in 3..6 {
            self.athlete.execute(
                "INSERT INTO ride_sample (ride, second, at, position)
                     SELECT key, :second, :at, :second FROM ride",
                named_params! { ":second": second, ":at": START },
            )?;
            self.scene.note(&samples(self.ride, second + 1))?;
        }
        Ok(())
    }

    /// The key goes to a file that nobody syncs.
    fn tokens_before_their_key(&self) -> Played {
        let account =
            r#"{"account":{"issuer":"https://example.test","subject":"anna","name":"Anna"}}"#;
        let entry = freewheel_sync::vault::account_entry("https://example.test", "anna");
        let keys = freewheel_sync::vault::key_file_path(self.store.home().root());
        std::fs::write(keys, format!("freewheel vault keys 1\n{entry} AAAA\n"))?;
        self.store.change_session(|session| {
            session.put_facts(account)?;
            session.put_tokens(1, Some(b"sealed"))
        })?;
        self.scene.note(&Mark::Tokens { generation: 1 })?;
        Ok(())
    }

    /// The issuer is asked to rotate tokens, and nobody wrote that down.
    fn renewal_without_intent(&self) -> Played {
        self.store.change_session(|session| {
            session.put_facts("{}")?;
            session.put_tokens(1, Some(b"sealed"))
        })?;
        self.scene.note(&Mark::Tokens { generation: 1 })?;
        self.scene.note(&Mark::Renewing)?;
        Ok(())
    }

    /// The file for people counts as written before it is on the disk.
    fn file_without_sync(&self) -> Played {
        self.finish()?;
        let rides = self.store.home().rides();
        for file in std::fs::read_dir(&rides)? {
            let file = file?.path();
            let bytes = std::fs::read(&file)?;
            std::fs::remove_file(&file)?;
            std::fs::write(&file, bytes)?;
        }
        self.athlete.execute("UPDATE ride SET exported = 1", [])?;
        Ok(())
    }

    /// The cursor moves on in one transaction, and its page comes in the next.
    fn cursor_before_its_page(&self) -> Played {
        let library = Connection::open(self.store.home().library_db())?;
        self.scene.note(&Mark::Page {
            cursor: "next".to_owned(),
            workouts: 1,
        })?;
        library.execute("UPDATE feed_meta SET cursor = 'next'", [])?;
        library.execute(
            "INSERT INTO workout (id, revision, name, name_key, seconds, tss, intensity_factor, zone, own, seen)
                 VALUES ('w', 1, 'W', 'w', 60, 1.0, 0.5, 1, 0, 0)",
            [],
        )?;
        Ok(())
    }
}

//! What strace writes, read: one system call after the other, those of several threads in between each other.

mod arguments;

use std::collections::BTreeMap;

use crate::PowercutError;
pub(crate) use arguments::{Arguments, Descriptor, descriptor};

/// The system calls that change what is on a disk, or ask for it to be durable; a `?` means that not every machine has it.
pub(crate) const CALLS: &str = "?open,openat,?openat2,?creat,write,pwrite64,writev,pwritev,?pwritev2,?truncate,ftruncate,\
    fallocate,lseek,fsync,fdatasync,?rename,renameat,renameat2,?unlink,unlinkat,?link,linkat,?symlink,symlinkat,?mkdir,\
    mkdirat,?rmdir,copy_file_range,sendfile,splice,?sync,syncfs,msync";

/// A moment of a system call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    /// It was called, and nothing is known of its result.
    Begun,
    /// It has returned.
    Returned(i64),
}

/// A system call at a moment of it.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    /// What it was called with, and at the end what became of it.
    pub(crate) arguments: Arguments<'a>,
    /// Whether it begins or ends here.
    pub(crate) moment: Moment,
    /// What stands behind its result: of a new descriptor, the path.
    pub(crate) result: &'a str,
    /// Tells it apart from others that are under way.
    pub(crate) thread: &'a str,
}

/// Gives every call to `heed` twice, when it begins and when it has returned; those that fail only begin.
///
/// # Errors
/// Those of `heed` with the number of the line, and lines that are none of strace's.
pub(crate) fn read<'a>(
    text: &'a str,
    mut heed: impl FnMut(&Call<'a>) -> Result<(), String>,
) -> Result<(), PowercutError> {
    let mut unfinished: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        let trouble = |why: String| PowercutError::Trace {
            line: number + 1,
            why,
        };
        read_line(line, &mut unfinished, &mut heed).map_err(trouble)?;
    }
    Ok(())
}

fn read_line<'a>(
    line: &'a str,
    unfinished: &mut BTreeMap<&'a str, (&'a str, &'a str)>,
    heed: &mut impl FnMut(&Call<'a>) -> Result<(), String>,
) -> Result<(), String> {
    let (thread, rest) = line.split_once(' ').ok_or("no thread")?;
    let rest = rest.trim_start();
    // A thread or the program ends, or is told something.
    if rest.starts_with("+++") || rest.starts_with("---") {
        return Ok(());
    }
    if let Some(resumed) = rest.strip_prefix("<... ") {
        let (name, tail) = resumed.split_once(" resumed>").ok_or("no resumed call")?;
        let begun = unfinished
            .remove(thread)
            .filter(|(begun, _)| *begun == name);
        let (name, head) = begun.ok_or("a call that did not begin is resumed")?;
        return returned(thread, name, [head, tail], heed);
    }
    let (name, tail) = rest.split_once('(').ok_or("no call")?;
    let begun = |head| Call {
        name,
        arguments: Arguments::of([head, ""]),
        moment: Moment::Begun,
        result: "",
        thread,
    };
    if let Some(head) = tail.strip_suffix(" <unfinished ...>") {
        heed(&begun(head))?;
        unfinished.insert(thread, (name, head));
        return Ok(());
    }
    heed(&begun(tail))?;
    returned(thread, name, ["", tail], heed)
}

/// The arguments come in two parts when something else happened meanwhile; strings are written in hexadecimal, so nothing in
/// them can be taken for the end.
fn returned<'a>(
    thread: &'a str,
    name: &'a str,
    parts: [&'a str; 2],
    heed: &mut impl FnMut(&Call<'a>) -> Result<(), String>,
) -> Result<(), String> {
    let [head, tail] = parts;
    let (tail, result) = tail.rsplit_once(" = ").ok_or("no result")?;
    let number = result.split([' ', '<']).next().unwrap_or_default();
    // The process ended in the middle of it.
    let Ok(value) = number.parse() else {
        return Ok(());
    };
    if value < 0 {
        return Ok(());
    }
    heed(&Call {
        name,
        arguments: Arguments::of([head, tail]),
        moment: Moment::Returned(value),
        result,
        thread,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORDED: &str = r#"7 openat(AT_FDCWD<\x2f>, "\x2f\x61", O_RDWR|O_CREAT, 0600) = 3<\x2f\x61>
8 fsync(4<\x2f\x62> <unfinished ...>
7 pwrite64(3<\x2f\x61>, "\x68\x69", 2, 512) = 2
8 <... fsync resumed>)          = 0
7 unlink("\x2f\x63") = -1 ENOENT (No such file or directory)
7 writev(3<\x2f\x61>(deleted), [{iov_base="\x61", iov_len=1}, {iov_base="\x62", iov_len=1}], 2) = 2
7 fsync(3<\x2f\x61>) = ?
7 +++ exited with 0 +++
"#;

    #[test]
    fn calls_of_two_threads_are_read_as_they_begin_and_return() {
        let mut seen = Vec::new();
        let read = read(RECORDED, |call| {
            let first = call.arguments.descriptor(0);
            let first = first.map(|fd| (fd.number, fd.path, fd.deleted));
            seen.push((
                call.thread.to_owned(),
                call.name.to_owned(),
                call.moment,
                first,
                call.arguments.data()?,
            ));
            Ok(())
        });
        read.unwrap();
        let path = |text: &str| std::path::PathBuf::from(text);
        let returned: Vec<_> = seen
            .iter()
            .filter(|(_, _, moment, _, _)| *moment != Moment::Begun)
            .map(|(thread, name, _, first, data)| {
                (
                    thread.as_str(),
                    name.as_str(),
                    first.clone(),
                    data.as_slice(),
                )
            })
            .collect();
        assert_eq!(
            returned,
            [
                (
                    "7",
                    "openat",
                    Some((-1, path("/"), false)),
                    b"/a".as_slice()
                ),
                ("7", "pwrite64", Some((3, path("/a"), false)), b"hi"),
                ("8", "fsync", Some((4, path("/b"), false)), b""),
                ("7", "writev", Some((3, path("/a"), true)), b"ab"),
            ]
        );
        let order: Vec<_> = seen
            .iter()
            .map(|(thread, name, moment, ..)| (&thread[..], &name[..], *moment == Moment::Begun))
            .collect();
        let fsync = [("8", "fsync", true), ("7", "pwrite64", true)];
        assert!(order.windows(2).any(|pair| pair == fsync), "{order:?}");
    }

    #[test]
    fn what_cannot_be_understood_names_its_line() {
        for text in [
            "7 fsync(3) = 0\n7 <... write resumed>) = 1\n",
            "7 fsync(3) = 0\nnonsense\n",
        ] {
            let refused = read(text, |_| Ok(())).unwrap_err().to_string();
            assert!(refused.starts_with("line 2 of the recording"), "{refused}");
        }
    }
}

//! Whom the command runs as.

use std::collections::HashMap;

use super::super::identity::resolve_for;
use super::*;

fn resolve(
    euid: u32,
    as_root: bool,
    user: Option<&str>,
    env: &[(&str, &str)],
) -> anyhow::Result<Option<Identity>> {
    let env: HashMap<_, _> = env.iter().copied().collect();
    resolve_for(euid, as_root, user, |name| {
        env.get(name).map(OsString::from)
    })
}

/// passwd of every Linux system has this user; the test reads the rest there.
fn passwd(name: &str) -> Vec<String> {
    let passwd = text(Path::new("/etc/passwd"));
    let line = passwd
        .lines()
        .find(|line| line.starts_with(&format!("{name}:")))
        .unwrap();
    line.split(':').map(str::to_owned).collect()
}

#[test]
fn under_sudo_the_command_runs_as_the_caller() {
    let nobody = passwd("nobody");
    let sudo = [("SUDO_UID", nobody[2].as_str()), ("SUDO_GID", "12345")];
    let identity = resolve(0, false, None, &sudo).unwrap().unwrap();
    assert_eq!(identity.name, "nobody");
    assert_eq!(identity.uid.to_string(), nobody[2]);
    // sudo's group, not passwd's: the caller may have run newgrp.
    assert_eq!(
        (identity.gid, identity.groups.contains(&12345)),
        (12345, true)
    );
    assert_eq!(identity.home, Path::new(&nobody[5]));
    assert_eq!(identity.shell, Path::new(&nobody[6]));
}

#[test]
fn otherwise_it_runs_as_we_do() {
    let sudo = [("SUDO_UID", "65534"), ("SUDO_GID", "65534")];
    let root = [("SUDO_UID", "0"), ("SUDO_GID", "0")];
    let as_we_are = |euid, as_root, user, env: &[(&str, &str)]| {
        assert_eq!(resolve(euid, as_root, user, env).unwrap(), None);
    };
    as_we_are(0, false, None, &[]);
    as_we_are(0, true, None, &sudo);
    as_we_are(0, false, None, &root);
    as_we_are(0, false, None, &sudo[..1]);
    as_we_are(1000, false, None, &sudo);
    as_we_are(
        passwd("nobody")[2].parse().unwrap(),
        false,
        Some("nobody"),
        &[],
    );
}

#[test]
fn a_named_user_wins_over_sudo() {
    let sudo = [("SUDO_UID", "65534"), ("SUDO_GID", "65534")];
    let identity = resolve(0, false, Some("root"), &sudo).unwrap().unwrap();
    assert_eq!(
        (identity.uid, identity.home.as_path()),
        (0, Path::new("/root"))
    );
}

#[test]
fn who_cannot_be_found_is_refused_in_one_sentence() {
    let refused = |as_root, user, env: &[(&str, &str)], expect: &str| {
        let error = resolve(0, as_root, user, env).unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
    };
    refused(
        false,
        Some("no-such\u{1b}"),
        &[],
        r#"there is no user "no-such\u{1b}""#,
    );
    refused(true, Some("root"), &[], "exclude each other");
    let unknown = [("SUDO_UID", "3999999999"), ("SUDO_GID", "1")];
    refused(
        false,
        None,
        &unknown,
        "user id 3999999999, which has no passwd entry",
    );
    for bad in ["", "-1", "x", "4294967296"] {
        let env = [("SUDO_UID", bad), ("SUDO_GID", "1")];
        refused(false, None, &env, "SUDO_UID is");
    }
}

#[test]
fn the_identity_is_complete_when_the_command_starts() {
    let identity = Identity {
        name: "mallory".into(),
        uid: 64001,
        gid: 64002,
        groups: vec![64002, 64003],
        home: "/home of/mallory".into(),
        shell: "/bin/false".into(),
    };
    let script = "id -u; id -ru; id -g; id -rg; id -G; echo $HOME $USER $LOGNAME $SHELL; \
                  sed -n 's/^Cap\\(Prm\\|Eff\\|Amb\\):.//p' /proc/self/status";
    let scratch = Scratch::new("identity");
    let out = scratch.file("out");
    let command = os(&["sh", "-c", &format!("({script}) > {}", out.display())]);
    let outcome = spawn_held(&command, Some(&identity), Mask::EMPTY);
    // SAFETY: integers only.
    if unsafe { libc::geteuid() } != 0 {
        let error = format!("{:#}", outcome.err().unwrap());
        assert!(
            error.contains("as user \"mallory\" (setgroups): Operation not permitted"),
            "{error}"
        );
        return;
    }
    assert_eq!(ended(outcome.unwrap().release().unwrap()), Exit::Code(0));
    let none = "0000000000000000";
    assert_eq!(
        text(&out),
        format!(
            "64001\n64001\n64002\n64002\n64002 64003\n/home of/mallory mallory mallory /bin/false\n\
             {none}\n{none}\n{none}\n"
        )
    );
}

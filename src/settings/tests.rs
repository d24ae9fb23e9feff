use std::os::unix::fs::PermissionsExt as _;

use super::*;

fn nobody(_: &str) -> Option<Secret> {
    None
}

fn with(profile: Profile) -> Said {
    Said::default().then(Origin::Flag, profile)
}

fn at(master: &str) -> Profile {
    Profile { master: Some(master.to_owned()), ..Profile::default() }
}

/// A file of that mode in a folder of its own.
fn file(mode: u32, text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    (folder, path)
}

fn place(said: &Said) -> Result<Place, Diagnostic> {
    said.place(&mut nobody).map(|place| place.unwrap())
}

#[test]
fn the_stronger_word_counts_and_is_known() {
    let env = |name: &str| match name {
        "MESOS_MASTER" => Some("env:5050".to_owned()),
        "MESOS_PRINCIPAL" => Some("from-env".to_owned()),
        "MESOS_SECRET" => Some("hunter2".to_owned()),
        _ => None,
    };
    let typed = Profile { principal: Some("typed".to_owned()), plain_credentials: Some(true), ..Profile::default() };
    let kept = Profile { master: Some("kept".to_owned()), role: Some("web".to_owned()), ..Profile::default() };
    let said = with(typed).then_environment(&env).then(Origin::Profile("p".to_owned()), kept);
    let place = place(&said).unwrap();
    assert_eq!(place.masters.value.to_string(), "http://env:5050");
    assert_eq!(
        place.access.credentials,
        Some(Credentials::Basic { principal: "typed".to_owned(), secret: Secret::new("hunter2") })
    );
    let shown: Vec<_> = place.shown.iter().map(|it| (it.name, it.value.as_str(), it.origin.to_string())).collect();
    for want in [
        ("principal", "typed", "the command line"),
        ("master", "http://env:5050", "MESOS_MASTER"),
        ("secret", "***", "MESOS_SECRET"),
        ("role", "web", "profile p"),
    ] {
        assert!(shown.contains(&(want.0, want.1, want.2.to_owned())), "{want:?} in {shown:?}");
    }
    assert!(!format!("{place:?} {said:?}").contains("hunter2"));
}

#[test]
fn secrets_come_from_files_that_only_their_owner_changes() {
    for (mode, fine, warned) in
        [(0o600, true, 0), (0o400, true, 0), (0o640, true, 1), (0o644, true, 1), (0o620, false, 0), (0o666, false, 0)]
    {
        let (_folder, path) = file(mode, "hunter2\n");
        let said = with(Profile { principal: Some("p".to_owned()), secret_file: Some(path), ..at("m") });
        match place(&said) {
            Ok(place) => {
                assert!(fine, "{mode:o}");
                assert_eq!(place.warnings.len(), warned, "{mode:o}");
                let secret = Secret::new("hunter2");
                assert_eq!(place.access.credentials, Some(Credentials::Basic { principal: "p".to_owned(), secret }));
            }
            Err(diagnostic) => {
                assert!(!fine, "{mode:o}: {diagnostic:?}");
                assert!(diagnostic.help.iter().any(|help| help.contains("chmod 600")), "{diagnostic:?}");
            }
        }
    }
    for text in ["", "\n", "one\ntwo\n"] {
        let (_folder, path) = file(0o600, text);
        let said = with(Profile { token_file: Some(path), ..at("m") });
        let error = place(&said).unwrap_err();
        assert!(!format!("{error:?}").contains("two"), "{text:?}");
    }
    let (_folder, path) = file(0o600, &"x".repeat(100_000));
    assert!(place(&with(Profile { token_file: Some(path), ..at("m") })).unwrap_err().what.contains("too long"));
}

#[test]
fn mesos_s_own_files_of_credentials_are_read() {
    for (text, fine) in [
        ("alice wonder\n", true),
        (r#"{"principal": "alice", "secret": "wonder"}"#, true),
        ("alice\n", false),
        ("alice wonder land", false),
        (r#"{"principal": "alice", "secrt": "wonder"}"#, false),
        ("{", false),
    ] {
        let (_folder, path) = file(0o600, text);
        let got = place(&with(Profile { credential_file: Some(path), ..at("m") }));
        let want = Credentials::Basic { principal: "alice".to_owned(), secret: Secret::new("wonder") };
        match got {
            Ok(place) => assert_eq!((fine, place.access.credentials), (true, Some(want)), "{text}"),
            Err(error) => {
                assert!(!fine, "{text}: {error:?}");
                assert!(!format!("{error:?}").contains("wonder"), "{error:?}");
            }
        }
    }
}

#[test]
fn whoever_can_be_asked_is_asked() {
    let said = with(Profile { principal: Some("alice".to_owned()), ..at("m") });
    let mut asked = Vec::new();
    let place = said.place(&mut |what: &str| {
        asked.push(what.to_owned());
        Some(Secret::new("wonder"))
    });
    let credentials = place.unwrap().unwrap().access.credentials;
    assert_eq!(credentials, Some(Credentials::Basic { principal: "alice".to_owned(), secret: Secret::new("wonder") }));
    assert_eq!(asked, ["secret of alice: "]);
    assert!(said.place(&mut nobody).unwrap_err().help.iter().any(|help| help.contains("--secret-file")));
}

#[test]
fn what_doesn_t_fit_together_is_said() {
    let (_folder, token) = file(0o600, "t");
    let file = || Some(token.clone());
    for (profile, why) in [
        (Profile { principal: Some("p".to_owned()), token_file: file(), ..at("m") }, "which of them are we"),
        (Profile { principal: Some("a:b".to_owned()), secret_file: file(), ..at("m") }, "can't have ':'"),
        (Profile { principal: Some("p".to_owned()), ..Profile::default() }, "no master"),
        (Profile { resolve: vec!["m".to_owned()], ..at("m") }, "where a name leads"),
        (Profile { resolve: vec!["m=x".to_owned()], ..at("m") }, "where a name leads"),
        (Profile { key_file: file(), ..at("https://m") }, "without its certificate"),
        (Profile { ca_file: file(), ..at("https://m") }, "no certificate"),
        (Profile { ca_file: Some("/nowhere".into()), ..at("https://m") }, "can't be used"),
        (Profile { tls: Some(true), ..at("http://m") }, "TLS"),
        (at("file:///nowhere"), "can't be read"),
    ] {
        let error = with(profile.clone()).place(&mut nobody).unwrap_err();
        assert!(error.what.contains(why), "{profile:?}: {error:?}");
    }
    // A name for frameworks is of use on an embedded Mesos too.
    assert!(with(Profile { name: Some("x".to_owned()), ..Profile::default() }).place(&mut nobody).unwrap().is_none());
}

#[test]
fn an_address_in_a_file_stays_there() {
    let (_folder, path) = file(0o644, "zk://u:hunter2@a:2181/mesos\n");
    let place = place(&with(at(&format!("file://{}", path.display())))).unwrap();
    assert_eq!(place.masters.value.to_string(), "zk://***@a:2181/mesos");
    assert!(place.warnings[0].contains("can be read by others"), "{:?}", place.warnings);
    assert!(!format!("{place:?}").contains("hunter2"));
    let typed = self::place(&with(at("zk://u:hunter2@a:2181/mesos"))).unwrap();
    assert!(typed.warnings[0].contains("command line"), "{:?}", typed.warnings);
    assert!(!format!("{typed:?}").contains("hunter2"));
}

#[test]
fn the_file_of_settings_is_kept_well() {
    let folder = tempfile::tempdir().unwrap();
    let file = File::at(folder.path().join("new").join("config.toml"));
    assert_eq!((file.default_profile().unwrap(), file.profiles().unwrap().len()), (None, 0));
    let profile = Profile {
        token_scheme: Some(Scheme::Dcos),
        resolve: vec!["a=10.0.0.1".to_owned()],
        secret_file: Some("secret".into()),
        ..at("https://m")
    };
    file.add("one", &profile).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(file.path()), mode(file.path().parent().unwrap())), (0o600, 0o700));
    // What people write beside it stays.
    let text = std::fs::read_to_string(file.path()).unwrap();
    std::fs::write(file.path(), format!("# mine\n{text}")).unwrap();
    file.add("two", &at("b")).unwrap();
    file.set_default(Some("two")).unwrap();
    let text = std::fs::read_to_string(file.path()).unwrap();
    assert!(text.contains("# mine") && !text.contains("trust-agents"), "{text}");
    assert_eq!(file.default_profile().unwrap().as_deref(), Some("two"));
    let read = file.profile("one").unwrap();
    assert_eq!(
        read.secret_file.as_deref(),
        Some(folder.path().join("new/secret").as_path()),
        "not the current folder's"
    );
    assert_eq!(read.token_scheme, Some(Scheme::Dcos));
    assert!(file.remove("two").unwrap() && !file.remove("two").unwrap());
    assert_eq!(file.default_profile().unwrap(), None, "a default that is gone");
    assert_eq!(std::fs::read_dir(file.path().parent().unwrap()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn a_file_of_settings_that_is_none_is_left_alone() {
    for (text, why) in [
        ("default = ", "line 1"),
        ("[profiles.a]\nmastre = 'x'\n", "mastre"),
        ("[profiles.a]\ntls = 'yes'\n", "line 2"),
        ("[profiles.'a b']\n", "can't be a profile's name"),
        ("profiles = 1\n", "line 1"),
    ] {
        let (_folder, path) = self::file(0o600, text);
        let file = File::at(path.clone());
        for error in [file.profiles().unwrap_err(), file.add("x", &at("m")).unwrap_err()] {
            assert!(error.what.contains(why), "{text}: {error:?}");
        }
        assert_eq!(std::fs::read_to_string(path).unwrap(), text);
    }
    let (_folder, path) = self::file(0o660, "default = 'x'\n");
    assert!(File::at(path).default_profile().unwrap_err().what.contains("others can change it"));
    for (name, fine) in [("a", true), ("a.b-c_1", true), ("", false), ("none", false), ("a b", false), ("ä", false)] {
        assert_eq!(is_name(name), fine, "{name}");
    }
}

#[test]
fn addresses_are_shown_without_passwords() {
    for (text, shown) in [
        ("zk://u:hunter2@a:1/m", "zk://***@a:1/m"),
        ("zk://u:hun@ter2@a:1/m", "zk://***@a:1/m"),
        ("http://u:hunter2@a", "http://***@a"),
        ("u:hunter2@a", "***@a"),
        ("https://a:1,b:2", "https://a:1,b:2"),
        ("hunter2@http://a", "***@http://a"),
    ] {
        assert_eq!(without_password(text), shown, "{text}");
    }
}

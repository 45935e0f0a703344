//! The versions of an institution's spec: the one in force, older ones that open exchanges live by, and where they are kept.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use pabal_clock::Wall;
use pabal_spec::{Digest, ExchangeRuleId, Institution, Protocol, Source};
use pabal_switch::Plan;

/// The folder of the data directory.
const FOLDER: &str = "specs";
/// Versions of an institution that are in memory at most, the one in force counted.
const LOADED_MAX: usize = 64;

/// One version, and how its exchanges go.
#[derive(Debug)]
pub(crate) struct Version {
    pub(crate) institution: Arc<Institution>,
    pub(crate) digest: Digest,
    /// Each exchange's, by its name.
    pub(crate) plans: BTreeMap<String, Arc<Plan>>,
}

impl Version {
    /// Of one version of an institution, whatever later ones stand beside it.
    pub(crate) fn new(institution: Arc<Institution>) -> Self {
        let digest = institution.digest;
        let mut plans = BTreeMap::new();
        for protocol in &institution.protocols {
            for (at, rule) in protocol.rules.exchanges.iter().enumerate() {
                let Ok(at) = u16::try_from(at).map(ExchangeRuleId) else { continue };
                plans.entry(rule.name.to_string()).or_insert_with(|| Arc::new(Plan::new(Arc::clone(protocol), at)));
            }
        }
        Self { institution, digest, plans }
    }

    pub(crate) fn protocol(&self, name: &str) -> Option<&Arc<Protocol>> {
        self.institution.protocol(name)
    }
}

/// What one reading of a spec has brought: the version that is in force, and those that begin by a date.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) in_force: Arc<Version>,
    /// In the order of their beginnings.
    pub(crate) coming: VecDeque<(Wall, Arc<Version>)>,
}

impl Reading {
    /// As it is at an instant.
    pub(crate) fn at(institution: &Arc<Institution>, wall: Wall) -> Self {
        let version = |institution: &Arc<Institution>| Arc::new(Version::new(Arc::clone(institution)));
        let begins = institution.later.iter().filter_map(|later| Some((later.begins()?, later)));
        let coming = begins.filter(|(begins, _)| *begins > wall).map(|(begins, later)| (begins, version(later)));
        Self { in_force: version(institution.in_force(wall)), coming: coming.collect() }
    }
}

/// The digest of each version of an institution.
pub(crate) fn digests(institution: &Institution) -> impl Iterator<Item = Digest> {
    std::iter::once(institution.digest).chain(institution.later.iter().map(|later| later.digest))
}

/// The versions that are loaded; the one in force can be swapped while it is used.
#[derive(Debug)]
pub(crate) struct Versions(RwLock<Loaded>);

#[derive(Debug)]
struct Loaded {
    newest: Arc<Version>,
    /// In the order in which they were put in force; the newest is the last.
    all: Vec<Arc<Version>>,
    /// What begins by a date, the next first.
    coming: VecDeque<(Wall, Arc<Version>)>,
    /// Why the first of them has not begun, though its date has come.
    held: Option<Box<str>>,
}

/// A version whose date has come.
#[derive(Debug)]
pub(crate) struct Due {
    pub(crate) begins: Wall,
    pub(crate) version: Arc<Version>,
    /// Why it, or one before it, did not begin when it was due before.
    pub(crate) held: Option<Box<str>>,
}

impl Versions {
    pub(crate) fn new(reading: Reading, older: impl IntoIterator<Item = Arc<Version>>) -> Self {
        let Reading { in_force: newest, coming } = reading;
        let mut all: Vec<_> = older.into_iter().filter(|version| version.digest != newest.digest).collect();
        all.push(Arc::clone(&newest));
        Self(RwLock::new(Loaded { newest, all, coming, held: None }))
    }

    /// The one in force.
    pub(crate) fn newest(&self) -> Arc<Version> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).newest)
    }

    pub(crate) fn of(&self, digest: Digest) -> Option<Arc<Version>> {
        let loaded = self.0.read().unwrap_or_else(PoisonError::into_inner);
        loaded.all.iter().find(|version| version.digest == digest).cloned()
    }

    /// Those that a core begins with that needs these: the one in force first. What is neither loaded nor kept is left out. Blocking work.
    pub(crate) fn institutions(&self, needed: &BTreeSet<Digest>, shelf: &Shelf) -> Vec<Arc<Institution>> {
        let newest = self.newest();
        let older = needed.iter().filter(|digest| **digest != newest.digest);
        let older = older.filter_map(|digest| self.of(*digest).or_else(|| shelf.load(*digest)));
        std::iter::once(Arc::clone(&newest)).chain(older).map(|version| Arc::clone(&version.institution)).collect()
    }

    /// When the next version begins by its date.
    pub(crate) fn next_begins(&self) -> Option<Wall> {
        let loaded = self.0.read().unwrap_or_else(PoisonError::into_inner);
        loaded.coming.front().map(|(begins, _)| *begins)
    }

    /// Those that begin later than now by their dates.
    pub(crate) fn coming(&self, wall: Wall) -> Vec<(Wall, Arc<Version>)> {
        let loaded = self.0.read().unwrap_or_else(PoisonError::into_inner);
        loaded.coming.iter().filter(|(begins, _)| *begins > wall).cloned().collect()
    }

    /// The newest version whose date has come by now; it is handed out once, and those before it never.
    pub(crate) fn take_due(&self, wall: Wall) -> Option<Due> {
        // Each turn of a driver asks, and callers are reading.
        if self.next_begins().is_none_or(|begins| begins > wall) {
            return None;
        }
        let mut loaded = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let mut due = None;
        while let Some(next) = loaded.coming.pop_front_if(|(begins, _)| *begins <= wall) {
            due = Some(next);
        }
        let held = loaded.held.take();
        due.map(|(begins, version)| Due { begins, version, held })
    }

    /// One that was due could not begin yet: it is handed out again.
    pub(crate) fn put_back(&self, Due { begins, version, held }: Due) {
        let mut loaded = self.0.write().unwrap_or_else(PoisonError::into_inner);
        loaded.coming.push_front((begins, version));
        loaded.held = held;
    }

    /// The version whose date has come and that has not begun, and why not.
    pub(crate) fn held(&self, wall: Wall) -> Option<(Digest, Box<str>)> {
        let loaded = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let (_, version) = loaded.coming.front().filter(|(begins, _)| *begins <= wall)?;
        Some((version.digest, loaded.held.clone()?))
    }

    /// Puts in force what was read, and has its later versions begin when their dates come.
    pub(crate) fn put_reading(&self, reading: Reading) {
        self.put(reading.in_force);
        let mut loaded = self.0.write().unwrap_or_else(PoisonError::into_inner);
        (loaded.coming, loaded.held) = (reading.coming, None);
    }

    /// Puts one in force. The one that was put in force longest ago goes when there are too many: an exchange keeps its own.
    pub(crate) fn put(&self, newest: Arc<Version>) {
        let mut loaded = self.0.write().unwrap_or_else(PoisonError::into_inner);
        loaded.all.retain(|version| version.digest != newest.digest);
        loaded.all.push(Arc::clone(&newest));
        loaded.newest = newest;
        let too_many = loaded.all.len().saturating_sub(LOADED_MAX);
        loaded.all.drain(..too_many);
    }
}

/// Where the sources of an institution's versions are kept, each in a folder of its digest, so that a restart reads what was sent by an
/// older version as it was meant.
#[derive(Clone, Debug)]
pub(crate) struct Shelf {
    folder: PathBuf,
}

impl Shelf {
    pub(crate) fn new(data_dir: &Path, institution: &str) -> Self {
        Self { folder: data_dir.join(FOLDER).join(institution) }
    }

    /// Keeps the sources of an institution for each of its versions, durably; nothing is done for what is there. Blocking work.
    pub(crate) fn keep(&self, sources: &[Source], institution: &Institution) -> io::Result<()> {
        digests(institution).try_for_each(|digest| self.keep_one(sources, digest))
    }

    fn keep_one(&self, sources: &[Source], digest: Digest) -> io::Result<()> {
        let place = self.folder.join(digest.to_string());
        if place.exists() {
            return Ok(());
        }
        DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        // Under another name first, so that a stop half way leaves no half version.
        let new = self.folder.join(format!("{digest}.new"));
        match std::fs::remove_dir_all(&new) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        DirBuilder::new().mode(0o700).create(&new)?;
        for source in sources {
            if source.name.is_empty() || source.name.starts_with('.') || source.name.contains(['/', '\0']) {
                let text = format!("{:?} is no name of a file", source.name);
                return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
            }
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(new.join(&source.name))?;
            file.write_all(source.text.as_bytes())?;
            file.sync_all()?;
        }
        File::open(&new)?.sync_all()?;
        std::fs::rename(&new, &place)?;
        File::open(&self.folder)?.sync_all()?;
        // The folder may be new itself, and so may be the one above it.
        for parent in self.folder.ancestors().skip(1).take(2) {
            File::open(parent)?.sync_all()?;
        }
        Ok(())
    }

    /// Reads a version again; `None` if it is not kept, or is not what it was. Blocking work.
    pub(crate) fn load(&self, digest: Digest) -> Option<Arc<Version>> {
        let sources = read(&self.folder.join(digest.to_string())).ok()?;
        let institution = Arc::new(pabal_spec::load(&sources).ok()?.institution);
        let version = std::iter::once(&institution).chain(&institution.later).find(|one| one.digest == digest)?;
        Some(Arc::new(Version::new(Arc::clone(version))))
    }

    /// Removes the versions that nothing needs. Blocking work.
    pub(crate) fn retain(&self, needed: &BTreeSet<Digest>) -> io::Result<()> {
        let entries = match std::fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if !needed.iter().any(|digest| digest.to_string() == name) {
                std::fs::remove_dir_all(&path)?;
            }
        }
        Ok(())
    }
}

/// Every file of a folder.
fn read(folder: &Path) -> io::Result<Vec<Source>> {
    let mut sources = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        sources.push(Source { name, text: std::fs::read_to_string(&path)? });
    }
    Ok(sources)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn sources(comment: &str) -> Vec<Source> {
        let mut sources = crate::spec_sources(&crate::tests::house::specs()).unwrap();
        sources[0].text.push_str(comment);
        sources
    }

    fn kept(shelf: &Shelf, sources: &[Source]) -> Digest {
        let institution = pabal_spec::load(sources).unwrap().institution;
        shelf.keep(sources, &institution).unwrap();
        institution.digest
    }

    /// The telegram of an opening with another label from the new year on.
    const DATED: &str = "\ntelegram open \"개시\" 300 : common effective 2027-01-01 00:00 {\n  reserved  filler(200)  public  \"예비\"\n}\n";

    #[test]
    fn a_version_that_begins_by_a_date_is_kept_for_itself_and_taken_once() {
        let directory = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(directory.path(), "hecto");
        let mut dated = sources("\n");
        dated.iter_mut().find(|source| source.name.ends_with(".spec")).unwrap().text.push_str(DATED);
        kept(&shelf, &dated);
        let institution = Arc::new(pabal_spec::load(&dated).unwrap().institution);
        let later = Arc::clone(&institution.later[0]);
        for digest in digests(&institution) {
            let version = shelf.load(digest).unwrap();
            assert_eq!(
                (version.digest, version.institution.from),
                (digest, (digest == later.digest).then_some(later.from).flatten())
            );
        }
        let begins = later.begins().unwrap();
        let before = Wall::from_unix_micros(begins.as_unix_micros() - 1);
        let reading = Reading::at(&institution, before);
        assert_eq!((reading.in_force.digest, reading.coming.len()), (institution.digest, 1));
        let versions = Versions::new(reading, []);
        assert_eq!(versions.next_begins(), Some(begins));
        assert!(versions.take_due(before).is_none());
        assert_eq!(versions.take_due(begins).unwrap().version.digest, later.digest);
        assert!(versions.take_due(begins).is_none() && versions.next_begins().is_none());
        let after = Reading::at(&institution, begins);
        assert_eq!((after.in_force.digest, after.coming.len()), (later.digest, 0));
    }

    #[test]
    fn a_version_is_read_again_until_nothing_needs_it() {
        let directory = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(directory.path(), "hecto");
        assert!(shelf.load(Digest(1)).is_none());
        shelf.retain(&BTreeSet::new()).unwrap();
        let (one, other) = (sources("\n"), sources("\n\n"));
        let (first, second) = (kept(&shelf, &one), kept(&shelf, &other));
        assert_ne!(first, second);
        assert_eq!(kept(&shelf, &one), first, "once is enough");
        let version = shelf.load(first).unwrap();
        assert_eq!((&*version.institution.name, version.institution.protocols[0].digest), ("hecto", first));

        let file = directory.path().join("specs/hecto").join(first.to_string()).join(&one[0].name);
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&file, "something else").unwrap();
        assert!(shelf.load(first).is_none(), "it is not what it was");

        shelf.retain(&BTreeSet::from([second])).unwrap();
        assert!(shelf.load(second).is_some());
        assert_eq!(std::fs::read_dir(directory.path().join("specs/hecto")).unwrap().count(), 1);
    }

    #[test]
    fn of_too_many_versions_the_oldest_goes_whatever_its_digest() {
        let institution = pabal_spec::load(&sources("\n")).unwrap().institution;
        let version = |digest: usize| {
            let digest = Digest(digest as u64);
            Arc::new(Version::new(Arc::new(Institution { digest, ..institution.clone() })))
        };
        let reading = Reading { in_force: version(LOADED_MAX + 1), coming: VecDeque::new() };
        let versions = Versions::new(reading, []);
        for digest in (1..=LOADED_MAX).rev() {
            versions.put(version(digest));
        }
        assert!(versions.of(Digest(LOADED_MAX as u64 + 1)).is_none(), "it was the first");
        assert!((1..=LOADED_MAX as u64).all(|digest| versions.of(Digest(digest)).is_some()));
        assert_eq!(versions.newest().digest, Digest(1));
    }

    #[test]
    fn half_a_version_is_no_version() {
        let directory = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(directory.path(), "hecto");
        let mut odd = sources("\n");
        odd[1].name = "../firmbanking.spec".to_owned();
        let institution = pabal_spec::load(&sources("\n")).unwrap().institution;
        let institution = Institution { digest: Digest::of(&odd), ..institution };
        assert_eq!(shelf.keep(&odd, &institution).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert!(shelf.load(Digest::of(&odd)).is_none());
        shelf.retain(&BTreeSet::new()).unwrap();
        assert_eq!(std::fs::read_dir(directory.path().join("specs/hecto")).unwrap().count(), 0);
    }
}

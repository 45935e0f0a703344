//! Every other test swaps the core for its image too; here, what an image refuses.

use std::sync::Arc;

use pabal_spec::Institution;
use pabal_switch::{Core, Image};

use crate::hands::{Hands, OUT};
use crate::peer;

#[test]
fn a_restored_core_says_the_same_to_the_same() {
    let mut hands = Hands::open();
    hands.transfer();
    let image = hands.core.image();
    let mut other = Core::restore(image, vec![Arc::clone(&hands.institution)], hands.settings.clone()).unwrap();
    let frame = hands.take_frame();
    let conn = hands.open_conns[1];
    let bytes = peer::framed(&peer::answer(&frame, "0000"));
    hands.core.handle_received(conn, &bytes, hands.now);
    other.handle_received(conn, &bytes, hands.now);
    loop {
        let (one, two) = (hands.core.poll_output(), other.poll_output());
        assert_eq!(format!("{one:?}"), format!("{two:?}"));
        if one.is_none() {
            break;
        }
    }
    assert_eq!(hands.core.poll_timeout(), other.poll_timeout());
}

#[test]
fn an_image_of_something_else_is_refused() {
    let mut hands = Hands::open();
    hands.transfer();
    hands.take_frames(OUT);
    let image = || -> Image { serde_json::from_slice(&serde_json::to_vec(&hands.core.image()).unwrap()).unwrap() };
    let restore = |image: Image, institution: &Arc<Institution>, settings| {
        Core::restore(image, vec![Arc::clone(institution)], settings).err().map(String::from)
    };
    let mut newer = image();
    newer.version += 1;
    let (was, is) = (image().version, newer.version);
    let error = restore(newer, &hands.institution, hands.settings.clone());
    assert_eq!(error, Some(format!("image version {is} is not {was}")));

    let mut other = Institution::clone(&hands.institution);
    other.name = "nonghyup".into();
    let error = restore(image(), &Arc::new(other), hands.settings.clone());
    assert_eq!(error.as_deref(), Some("the image is of institution `hecto`, not `nonghyup`"));

    let mut settings = hands.settings.clone();
    settings.lines[0].sessions_max = 2;
    let error = restore(image(), &hands.institution, settings);
    assert_eq!(error.as_deref(), Some("the image has other lines or another number of sessions"));
}

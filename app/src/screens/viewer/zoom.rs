//! How a picture lies in the viewer: how large, and how far from the middle.

/// The largest magnification.
const MAX: f64 = 8.0;

/// Sizes in pixels: of the picture as it fits, and of the room it has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Room {
    /// Width and height of the picture that is not magnified.
    pub picture: (f64, f64),
    /// Width and height of what can be seen.
    pub stage: (f64, f64),
}

/// Where a picture lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Zoom {
    /// 1 for as large as it fits.
    pub scale: f64,
    /// Its middle to the right of the stage's, in pixels.
    pub x: f64,
    /// Its middle below the stage's, in pixels.
    pub y: f64,
}

impl Zoom {
    /// All of it is seen.
    pub(super) const WHOLE: Self = Self {
        scale: 1.0,
        x: 0.0,
        y: 0.0,
    };

    /// Whether only a part of it may be seen.
    pub(super) fn is_magnified(self) -> bool {
        self.scale > 1.0
    }

    /// So many times larger, while what is at a point stays there. The point is counted from the stage's middle.
    pub(super) fn by(self, factor: f64, point: (f64, f64), room: Room) -> Self {
        let scale = (self.scale * factor).clamp(1.0, MAX);
        let grown = scale / self.scale;
        Self {
            scale,
            x: point.0 - (point.0 - self.x) * grown,
            y: point.1 - (point.1 - self.y) * grown,
        }
        .within(room)
    }

    /// Moved by so many pixels.
    pub(super) fn moved(self, x: f64, y: f64, room: Room) -> Self {
        Self {
            x: self.x + x,
            y: self.y + y,
            ..self
        }
        .within(room)
    }

    /// No edge of the picture comes into the stage that need not.
    fn within(self, room: Room) -> Self {
        let bound = |offset: f64, picture: f64, stage: f64| {
            let most = ((picture * self.scale - stage) / 2.0).max(0.0);
            offset.clamp(-most, most)
        };
        Self {
            x: bound(self.x, room.picture.0, room.stage.0),
            y: bound(self.y, room.picture.1, room.stage.1),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Room, Zoom};

    const ROOM: Room = Room {
        picture: (800.0, 600.0),
        stage: (1000.0, 600.0),
    };

    #[test]
    fn what_is_under_the_pointer_stays_there() {
        let point = (100.0, 50.0);
        let zoom = Zoom::WHOLE.by(2.0, point, ROOM);
        assert_eq!(zoom.scale, 2.0);
        // A place of the picture, p, is shown at offset + p × scale: the same before and after.
        assert_eq!((zoom.x + 2.0 * point.0, zoom.y + 2.0 * point.1), point);
    }

    #[test]
    fn it_is_never_smaller_than_it_fits_nor_out_of_sight() {
        assert_eq!(Zoom::WHOLE.by(0.1, (300.0, 0.0), ROOM), Zoom::WHOLE);
        assert_eq!(Zoom::WHOLE.moved(50.0, -50.0, ROOM), Zoom::WHOLE);
        let zoom = Zoom::WHOLE.by(100.0, (0.0, 0.0), ROOM);
        assert_eq!(zoom.scale, 8.0);
        let moved = zoom.moved(1e9, -1e9, ROOM);
        assert_eq!(
            (moved.x, moved.y),
            ((6400.0 - 1000.0) / 2.0, -(4800.0 - 600.0) / 2.0)
        );
        assert_eq!(moved.by(0.001, (9.0, 9.0), ROOM), Zoom::WHOLE);
    }

    #[test]
    fn a_narrow_picture_stays_in_the_middle_until_it_fills_the_width() {
        let zoom = Zoom::WHOLE.by(1.2, (400.0, 0.0), ROOM);
        assert_eq!(zoom.x, 0.0);
    }
}

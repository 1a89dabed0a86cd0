//! Which square of a picture a round window shows, however it is moved and enlarged.

use crate::engine::jobs::Square;

/// How much a picture is enlarged at most, in hundredths of what fills the window.
pub(super) const MOST: u32 = 500;
/// The smallest square that is cut out, in pixels of the picture, as long as it has them.
const SMALLEST: u32 = 96;

/// A window onto a picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Frame {
    /// The picture's size in pixels.
    width: f64,
    height: f64,
    /// What the window shows in its middle, in pixels of the picture.
    x: f64,
    y: f64,
    /// How much it is enlarged, in hundredths.
    zoom: u32,
}

/// The place and size of a picture behind a window, in pixels of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) left: i32,
    pub(super) top: i32,
    pub(super) width: i32,
    pub(super) height: i32,
}

impl Frame {
    /// The middle of a picture, as much of it as fits.
    pub(super) fn new(width: u32, height: u32) -> Self {
        let (width, height) = (f64::from(width.max(1)), f64::from(height.max(1)));
        Self {
            width,
            height,
            x: width / 2.0,
            y: height / 2.0,
            zoom: 100,
        }
    }

    /// How much it is enlarged, in hundredths.
    pub(super) fn zoom(self) -> u32 {
        self.zoom
    }

    /// How much it can be enlarged, in hundredths.
    pub(super) fn most(self) -> u32 {
        let shorter = self.width.min(self.height);
        ((shorter * 100.0 / f64::from(SMALLEST)) as u32).clamp(100, MOST)
    }

    /// The side of the square that is shown, in pixels of the picture.
    fn side(self) -> f64 {
        self.width.min(self.height) * 100.0 / f64::from(self.zoom)
    }

    /// Enlarges it around a point of the window: parts of the window's side from its middle.
    pub(super) fn zoomed(self, zoom: u32, (across, down): (f64, f64)) -> Self {
        let before = self.side();
        let now = Self {
            zoom: zoom.clamp(100, self.most()),
            ..self
        };
        let gone = before - now.side();
        Self {
            x: self.x + across * gone,
            y: self.y + down * gone,
            ..now
        }
        .kept_inside()
    }

    /// Moves the picture behind the window, in parts of the window's side.
    pub(super) fn moved(self, across: f64, down: f64) -> Self {
        Self {
            x: self.x - across * self.side(),
            y: self.y - down * self.side(),
            ..self
        }
        .kept_inside()
    }

    /// The window never shows what is beside the picture.
    fn kept_inside(self) -> Self {
        let half = self.side() / 2.0;
        Self {
            x: self.x.clamp(half, (self.width - half).max(half)),
            y: self.y.clamp(half, (self.height - half).max(half)),
            ..self
        }
    }

    /// Where the picture lies behind a window of so many pixels.
    pub(super) fn placed(self, window: u32) -> Placed {
        let scale = f64::from(window) / self.side();
        let half = f64::from(window) / 2.0;
        Placed {
            left: (half - self.x * scale).round() as i32,
            top: (half - self.y * scale).round() as i32,
            width: (self.width * scale).round() as i32,
            height: (self.height * scale).round() as i32,
        }
    }

    /// The square that is shown.
    pub(super) fn square(self) -> Square {
        let side = (self.side().round() as u32).max(1);
        let start = |middle: f64, length: f64| {
            let most = length - f64::from(side);
            (middle - f64::from(side) / 2.0).round().clamp(0.0, most.max(0.0)) as u32
        };
        Square {
            x: start(self.x, self.width),
            y: start(self.y, self.height),
            side,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Frame, Placed};
    use crate::engine::jobs::Square;

    #[test]
    fn it_begins_with_the_middle() {
        let frame = Frame::new(4_000, 3_000);
        assert_eq!(
            frame.square(),
            Square {
                x: 500,
                y: 0,
                side: 3_000
            }
        );
        let placed = Placed {
            left: -50,
            top: 0,
            width: 400,
            height: 300,
        };
        assert_eq!(frame.placed(300), placed);
    }

    #[test]
    fn it_is_moved_no_further_than_the_picture() {
        let frame = Frame::new(4_000, 3_000).moved(10.0, 10.0);
        assert_eq!(
            frame.square(),
            Square {
                x: 0,
                y: 0,
                side: 3_000
            }
        );
        let frame = Frame::new(4_000, 3_000).moved(-10.0, 0.0);
        assert_eq!(
            frame.square(),
            Square {
                x: 1_000,
                y: 0,
                side: 3_000
            }
        );
    }

    #[test]
    fn what_is_under_the_pointer_stays_there_when_it_is_enlarged() {
        let frame = Frame::new(2_000, 2_000).zoomed(200, (0.5, -0.5));
        assert_eq!(
            frame.square(),
            Square {
                x: 1_000,
                y: 0,
                side: 1_000
            }
        );
        let back = frame.zoomed(100, (0.5, -0.5));
        assert_eq!(
            back.square(),
            Square {
                x: 0,
                y: 0,
                side: 2_000
            }
        );
    }

    #[test]
    fn little_pictures_are_not_enlarged_to_nothing() {
        let frame = Frame::new(100, 120).zoomed(10_000, (0.0, 0.0));
        assert_eq!(frame.square().side, 96);
        assert_eq!(Frame::new(8_000, 8_000).zoomed(10_000, (0.0, 0.0)).zoom(), 500);
        let dot = Frame::new(1, 1).moved(3.0, -2.0);
        assert_eq!(dot.square(), Square { x: 0, y: 0, side: 1 });
        assert_eq!(Frame::new(0, 0).square().side, 1);
    }
}

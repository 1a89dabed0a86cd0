//! What was given and not answered, in the order in which it was given: whoever gives it to another worker keeps to that.

use holdfast_client::api::RequestId;

/// Things by the numbers of their commands, the oldest first. There are few at a time.
pub(super) struct InOrder<T>(Vec<(RequestId, T)>);

impl<T> Default for InOrder<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> InOrder<T> {
    /// Notes what was given. What is given again keeps its place.
    pub(super) fn put(&mut self, request: RequestId, given: T) {
        match self.0.iter_mut().find(|(known, _)| *known == request) {
            Some((_, slot)) => *slot = given,
            None => self.0.push((request, given)),
        }
    }

    /// Takes out what is answered; `None` if it was not given, or was answered before.
    pub(super) fn take(&mut self, request: RequestId) -> Option<T> {
        let at = self.0.iter().position(|(known, _)| *known == request)?;
        Some(self.0.remove(at).1)
    }

    /// All of it.
    pub(super) fn all(&self) -> &[(RequestId, T)] {
        &self.0
    }

    /// Lets go of all of it.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use holdfast_client::api::RequestId;

    use super::InOrder;

    fn request(number: u8) -> RequestId {
        RequestId([number; 16])
    }

    fn texts(all: &InOrder<&'static str>) -> Vec<&'static str> {
        all.all().iter().map(|(_, text)| *text).collect()
    }

    #[test]
    fn what_is_not_answered_stays_in_the_order_in_which_it_was_given() {
        let mut all = InOrder::default();
        // Numbers are random: their order is none.
        for (number, text) in [(200, "first"), (7, "second"), (90, "third"), (1, "fourth")] {
            all.put(request(number), text);
        }
        assert_eq!(texts(&all), ["first", "second", "third", "fourth"]);
        assert_eq!(all.take(request(7)), Some("second"));
        assert_eq!(all.take(request(7)), None, "it is answered once");
        all.put(request(3), "fifth");
        assert_eq!(texts(&all), ["first", "third", "fourth", "fifth"]);
    }

    #[test]
    fn what_is_given_again_keeps_its_place() {
        let mut all = InOrder::default();
        all.put(request(9), "first");
        all.put(request(2), "second");
        all.put(request(9), "first again");
        assert_eq!(texts(&all), ["first again", "second"]);
        all.clear();
        assert!(all.all().is_empty());
    }
}

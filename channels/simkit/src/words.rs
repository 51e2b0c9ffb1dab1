//! What hooks and options choose among: each choice and its word stand in one place.

/// Writes an enum whose variants are told by their words.
#[macro_export]
macro_rules! words {
    ($(#[$doc:meta])* $vis:vis $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        $vis enum $name { $($(#[$vdoc])* $variant),+ }

        impl $name {
            pub(crate) fn from_word(word: &str) -> Option<$name> {
                match word { $($text => Some($name::$variant),)+ _ => None }
            }
        }
    };
}

#[cfg(test)]
mod tests {
    crate::words! {
        /// A choice.
        Choice { One = "one", Two = "two" }
    }

    #[test]
    fn a_word_is_its_variant_and_another_is_none() {
        assert_eq!(["one", "two", "One", ""].map(Choice::from_word), [Some(Choice::One), Some(Choice::Two), None, None]);
    }
}

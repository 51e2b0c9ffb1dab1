//! A crate becomes a channel: every verb of the trait stands in the module of its name, with `account` in the place of `self`.
//!
//! The trait has no defaults, and neither has this: what a channel lacks it takes by name from [`absent`].

/// Writes `open` and the trait for an adapter whose crate root has the modules named here and `config::{Account, read}`.
#[macro_export]
macro_rules! channel {
    ($name:ident) => {
        use ::sluice_contract as contract;

        /// Opens an account, or tells every problem of its credentials.
        ///
        /// # Errors
        /// Each problem with the key it is about.
        pub fn open(config: contract::AccountConfig<'_>) -> Result<Box<dyn contract::Channel>, Vec<contract::Problem>> {
            let account = config::read(&config)?;
            Ok(Box::new($name { account: ::std::sync::Arc::new(account) }))
        }

        /// One opened account.
        struct $name {
            account: ::std::sync::Arc<config::Account>,
        }

        $crate::channel!(@verbs $name,
            admit::check_sub(sub: &contract::Notes) -> Vec<contract::Problem>,
            keys::sub_keys(sub: &contract::Notes) -> contract::KeyUpdate,
            admit::admit(attempt: &contract::AttemptRef, order: &contract::PayOrder) -> Result<contract::Notes, contract::Refusal>,
            pay::pay(attempt: &contract::AttemptRef, order: &contract::PayOrder, env: &contract::Env<'_>) -> contract::Step<contract::Pay>,
            query::query(attempt: &contract::AttemptRef, env: &contract::Env<'_>) -> contract::Step<contract::Pay>,
            close::close(attempt: &contract::AttemptRef, env: &contract::Env<'_>) -> contract::Step<contract::Undone>,
            reverse::reverse(attempt: &contract::AttemptRef, env: &contract::Env<'_>) -> contract::Step<contract::Undone>,
            refund::refund(refund: &contract::RefundRef, env: &contract::Env<'_>) -> contract::Step<contract::Refund>,
            refund::query_refund(refund: &contract::RefundRef, env: &contract::Env<'_>) -> contract::Step<contract::Refund>,
            callback::callback(raw: &contract::RawCallback<'_>, env: &contract::Env<'_>) -> Result<contract::Callback, contract::Rejected>,
            callback::acknowledge(raw: &contract::RawCallback<'_>, ack: contract::Ack, env: &contract::Env<'_>) -> contract::HttpReply,
            statement::statement(day: contract::Day, sub: Option<&contract::Notes>, env: &contract::Env<'_>)
                -> contract::Step<contract::Statement>,
            keys::renew(why: &contract::KeyHint, env: &contract::Env<'_>) -> contract::Step<contract::Renewed>,
            keys::install(update: &contract::KeyUpdate) -> Result<(), contract::Refusal>,
            identify::authorize(who: &contract::Visitor<'_>, return_url: &str, state: &str) -> Result<String, contract::Refusal>,
            identify::identify(who: &contract::Visitor<'_>, query: &str, env: &contract::Env<'_>) -> contract::Step<contract::Person>,
        );
    };
    (@verbs $name:ident, $($module:ident :: $verb:ident ( $($arg:ident : $of:ty),* ) -> $answer:ty,)*) => {
        impl contract::Channel for $name {
            fn profile(&self) -> &contract::Profile {
                &self.account.profile
            }

            $(fn $verb(&self, $($arg: $of),*) -> $answer {
                $module::$verb(&self.account, $($arg),*)
            })*
        }
    };
}

/// The verbs that a channel may lack, refused in one way.
pub mod absent {
    use sluice_contract::{AttemptRef, Day, Env, KeyHint, KeyUpdate, Notes, Person, Refusal, Renewed, Statement, Step, Undone, Visitor};

    /// A binding has ids only, no secrets of its own.
    #[must_use]
    pub fn sub_keys<A>(_account: &A, _sub: &Notes) -> KeyUpdate {
        KeyUpdate::default()
    }

    #[must_use]
    pub fn close<A>(_account: &A, _attempt: &AttemptRef, _env: &Env<'_>) -> Step<Undone> {
        Step::Refused(Refusal::unsupported("close"))
    }

    #[must_use]
    pub fn statement<A>(_account: &A, _day: Day, _sub: Option<&Notes>, _env: &Env<'_>) -> Step<Statement> {
        Step::Refused(Refusal::unsupported("statement"))
    }

    #[must_use]
    pub fn renew<A>(_account: &A, _why: &KeyHint, _env: &Env<'_>) -> Step<Renewed> {
        Step::Refused(Refusal::unsupported("renewal of keys"))
    }

    /// # Errors
    /// Always.
    pub fn install<A>(_account: &A, _update: &KeyUpdate) -> Result<(), Refusal> {
        Err(Refusal::unsupported("installation of keys"))
    }

    /// # Errors
    /// Always.
    pub fn authorize<A>(_account: &A, _who: &Visitor<'_>, _return_url: &str, _state: &str) -> Result<String, Refusal> {
        Err(Refusal::unsupported("authorisation page"))
    }

    #[must_use]
    pub fn identify<A>(_account: &A, _who: &Visitor<'_>, _query: &str, _env: &Env<'_>) -> Step<Person> {
        Step::Refused(Refusal::unsupported("silent authorisation"))
    }
}

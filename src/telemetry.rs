//! Metrics. Labels are channel, account, method, result and a limit's name only: never a merchant or an order.

use crate::domain::Order;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OrderLabels {
    channel: String,
    method: String,
    status: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AccountLabels {
    account: String,
    result: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BillLabels {
    account: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabels {
    result: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LimitLabels {
    limit: String,
    what: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    http_route: String,
    http_request_method: String,
    http_response_status_code: u16,
}

/// Everything the gateway counts.
pub struct Metrics {
    registry: Registry,
    orders: Family<OrderLabels, Counter>,
    exchanges: Family<AccountLabels, Counter>,
    exchange_seconds: Histogram,
    deliveries: Family<ResultLabels, Counter>,
    delivery_seconds: Histogram,
    callbacks_refused: Family<AccountLabels, Counter>,
    bad_signatures: Counter,
    limits: Family<LimitLabels, Counter>,
    risk_refused: Family<ResultLabels, Counter>,
    bindings_off: Family<AccountLabels, Counter>,
    breakers: Family<AccountLabels, Counter>,
    discrepancies: Family<BillLabels, Gauge>,
    bill_day: Family<BillLabels, Gauge>,
    bill_age: Family<BillLabels, Gauge>,
    requests: Family<RouteLabels, Histogram>,
    /// Orders that only a person can finish.
    pub suspended: Gauge,
    pub cases: Gauge,
    /// How late the oldest due order is, in milliseconds.
    pub overdue_ms: Gauge,
}

fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.0, 16))
}

fn in_seconds(ms: impl TryInto<u32>) -> f64 {
    f64::from(ms.try_into().unwrap_or(u32::MAX)) / 1000.0
}

impl Default for Metrics {
    fn default() -> Metrics {
        let mut registry = Registry::default();
        let metrics = Metrics {
            orders: Family::default(),
            exchanges: Family::default(),
            exchange_seconds: seconds(),
            deliveries: Family::default(),
            delivery_seconds: seconds(),
            callbacks_refused: Family::default(),
            bad_signatures: Counter::default(),
            limits: Family::default(),
            risk_refused: Family::default(),
            bindings_off: Family::default(),
            breakers: Family::default(),
            discrepancies: Family::default(),
            bill_day: Family::default(),
            bill_age: Family::default(),
            requests: Family::new_with_constructor(seconds),
            suspended: Gauge::default(),
            cases: Gauge::default(),
            overdue_ms: Gauge::default(),
            registry: Registry::default(),
        };
        registry.register("sluice_orders", "Orders by what became of them", metrics.orders.clone());
        registry.register("sluice_channel_exchanges", "Exchanges with channels by how far they got", metrics.exchanges.clone());
        registry.register_with_unit(
            "sluice_channel_exchange_duration",
            "Length of exchanges with channels",
            Unit::Seconds,
            metrics.exchange_seconds.clone(),
        );
        registry.register("sluice_notifications", "Tries to notify merchants by result", metrics.deliveries.clone());
        registry.register_with_unit(
            "sluice_notification_duration",
            "Length of tries to notify merchants",
            Unit::Seconds,
            metrics.delivery_seconds.clone(),
        );
        registry.register("sluice_callbacks_refused", "Callbacks of channels that were not believed", metrics.callbacks_refused.clone());
        registry.register("sluice_bad_signatures", "Requests under a live key whose signature was wrong", metrics.bad_signatures.clone());
        registry.register("sluice_limits", "Limits that refused an account, came near their max, or were overrun", metrics.limits.clone());
        registry.register("sluice_risk_refused", "Orders that risk control refused, by who judged", metrics.risk_refused.clone());
        registry.register("sluice_account_breakers", "Breakers of accounts that opened or closed", metrics.breakers.clone());
        registry.register("sluice_bindings_off", "Bindings switched off because their token died", metrics.bindings_off.clone());
        registry.register(
            "sluice_discrepancies_open",
            "Differences between an account's bills and the books that nobody has settled. Alarm: above 0",
            metrics.discrepancies.clone(),
        );
        registry.register_with_unit(
            "sluice_bill_last_day",
            "Begin, in Unix seconds, of the last day whose bill was compared to its end; 0: none ever was",
            Unit::Seconds,
            metrics.bill_day.clone(),
        );
        registry.register_with_unit(
            "sluice_bill_age",
            "Since the end of the last day whose bill was compared, or since 1970. Alarm: above 172800, a bill is missing or was refused",
            Unit::Seconds,
            metrics.bill_age.clone(),
        );
        registry.register_with_unit("http_server_request_duration", "Length of requests", Unit::Seconds, metrics.requests.clone());
        registry.register("sluice_orders_suspended", "Orders that only a person can finish", metrics.suspended.clone());
        registry.register("sluice_orders_with_cases", "Orders that a person has to look at, at most 1000", metrics.cases.clone());
        registry.register("sluice_overdue_milliseconds", "How late the oldest due order is", metrics.overdue_ms.clone());
        Metrics { registry, ..metrics }
    }
}

impl Metrics {
    /// `kind` is an order event: `order.paid`.
    pub fn order_event(&self, order: &Order, kind: &str) {
        let status = kind.strip_prefix("order.").unwrap_or(kind).to_owned();
        let labels = OrderLabels { channel: order.channel.clone(), method: order.method_word().to_owned(), status };
        self.orders.get_or_create(&labels).inc();
    }

    /// `what`: refused, near, overrun.
    pub fn limit(&self, limit: &str, what: &str) {
        self.limits.get_or_create(&LimitLabels { limit: limit.to_owned(), what: what.to_owned() }).inc();
    }

    pub fn risk_refused(&self, by: &str) {
        self.risk_refused.get_or_create(&ResultLabels { result: by.to_owned() }).inc();
    }

    /// How an account stands with its bills.
    pub fn bills(&self, account: &str, open: i64, last_day_s: i64, age_s: i64) {
        let labels = BillLabels { account: account.to_owned() };
        for (family, value) in [(&self.discrepancies, open), (&self.bill_day, last_day_s), (&self.bill_age, age_s)] {
            family.get_or_create(&labels).set(value);
        }
    }

    /// `what`: opened, closed.
    pub fn breaker(&self, account: &str, what: &str) {
        self.breakers.get_or_create(&AccountLabels { account: account.to_owned(), result: what.to_owned() }).inc();
    }

    pub fn exchange(&self, account: &str, result: &str, ms: i64) {
        self.exchanges.get_or_create(&AccountLabels { account: account.to_owned(), result: result.to_owned() }).inc();
        self.exchange_seconds.observe(in_seconds(ms));
    }

    pub fn delivery(&self, result: &str, ms: u64) {
        self.deliveries.get_or_create(&ResultLabels { result: result.to_owned() }).inc();
        self.delivery_seconds.observe(in_seconds(ms));
    }

    pub fn callback_refused(&self, account: &str) {
        self.refused(account, "not_believed");
    }

    pub fn bad_signature(&self) {
        self.bad_signatures.inc();
    }

    /// Validly signed and wrong: an alarm.
    pub fn contradiction(&self, account: &str) {
        self.refused(account, "contradiction");
    }

    /// A merchant's token died: an alarm.
    pub fn binding_off(&self, account: &str) {
        self.bindings_off.get_or_create(&AccountLabels { account: account.to_owned(), result: "token_refused".to_owned() }).inc();
    }

    fn refused(&self, account: &str, result: &str) {
        self.callbacks_refused.get_or_create(&AccountLabels { account: account.to_owned(), result: result.to_owned() }).inc();
    }

    pub fn request(&self, route: &str, method: &str, status: u16, ms: i64) {
        let labels =
            RouteLabels { http_route: route.to_owned(), http_request_method: method.to_owned(), http_response_status_code: status };
        self.requests.get_or_create(&labels).observe(in_seconds(ms));
    }

    /// The text of `GET /metrics`.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String does not fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

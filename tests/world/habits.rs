//! What only the doors of the pretend channels tell: their magic codes, and their switches as weather. Nothing here judges.

/// Magic payment codes: `prefix KK SS` and any digits up to `len`.
pub struct Magic {
    pub prefix: &'static str,
    pub len: usize,
    /// What codes do; the commoner ones more than once.
    pub kinds: &'static [&'static str],
}

pub struct Habits {
    pub channel: &'static str,
    /// Methods to draw from; `None`: whatever the account serves.
    pub methods: Option<&'static [&'static str]>,
    pub magic: Magic,
    /// Switches turned at random while anything may break.
    pub weather: &'static [&'static str],
    /// Switches turned back when everything heals.
    pub calm: &'static [&'static str],
}

/// The habits of a channel; one without an entry has no magic codes and no weather of its own.
pub fn of(channel: &'static str) -> &'static Habits {
    HABITS.iter().find(|habits| habits.channel == channel).unwrap_or(&PLAIN)
}

const PLAIN: Habits =
    Habits { channel: "", methods: None, magic: Magic { prefix: "", len: 0, kinds: &[] }, weather: &["nothing"], calm: &[] };

const HABITS: &[Habits] = &[
    Habits {
        channel: "wechat",
        // As old as the seeds that are regressions.
        methods: Some(&[
            "wechat_native",
            "wechat_native",
            "wechat_jsapi",
            "wechat_app",
            "wechat_h5",
            "wechat_barcode",
            "wechat_barcode",
            "auto_barcode",
        ]),
        magic: Magic { prefix: "1399", len: 18, kinds: &["01", "02", "02", "03", "04", "05", "06", "07", "08", "09", "11", "13"] },
        weather: &[
            "refund_fate success",
            "refund_fate success",
            "refund_fate closed",
            "refund_fate abnormal",
            "merchant_funds off",
            "merchant_funds on",
            "pay_on_create on",
            "pay_on_create off",
            "pay_on_create off",
            "probe_callbacks on",
            "probe_callbacks off",
        ],
        calm: &["refund_fate success", "merchant_funds on", "pay_on_create off", "probe_callbacks off"],
    },
    Habits {
        channel: "alipay",
        methods: None,
        magic: Magic {
            prefix: "2899",
            len: 18,
            kinds: &["01", "02", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "13", "14", "15"],
        },
        weather: &[
            "refund_fate success",
            "refund_fate success",
            "refund_fate fail",
            "refund_fate pending",
            "refund_fate lost",
            "merchant_funds none",
            "merchant_funds full",
            "cancel_retry 2",
            "answer pay after 20000 aop.ACQ.SYSTEM_ERROR",
            "answer reverse after 20000 aop.ACQ.SYSTEM_ERROR",
            "answer refund before 20000 aop.ACQ.SYSTEM_ERROR",
            "odd other_order",
            "odd double_root",
            "odd other_seller",
            "payer_ids open_id",
            "precreate_again on",
        ],
        calm: &["refund_fate success", "merchant_funds full", "cancel_retry 0"],
    },
    Habits {
        channel: "unionpay",
        methods: None,
        magic: Magic {
            prefix: "6299",
            len: 19,
            kinds: &["01", "02", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "13", "14", "15"],
        },
        // Neither refunds that never end nor money after payTimeout: both are a person's.
        weather: &[
            "refund_fate success",
            "refund_fate success",
            "refund_fate fail",
            "merchant_funds none",
            "merchant_funds full",
            "reversal ignored",
            "reversal off",
            "reversal on",
            "unpaid 34",
            "unpaid 01",
            "expired 34",
            "reversed 01",
            "pay_on_create on",
            "pay_on_create off",
            "success_after_queries 2",
            "answer pay 03 executed",
            "answer reverse 03 executed",
            "answer refund 03 executed",
            "spoil truncated",
        ],
        calm: &[
            "refund_fate success",
            "merchant_funds full",
            "reversal on",
            "unpaid 05",
            "expired 01",
            "reversed 46",
            "pay_on_create off",
            "success_after_queries off",
        ],
    },
    Habits {
        channel: "icbc",
        methods: None,
        magic: Magic {
            prefix: "6299",
            len: 19,
            kinds: &["01", "02", "03", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "13", "14", "15", "16"],
        },
        weather: &[
            "refund_fate success",
            "refund_fate success",
            "refund_fate fail",
            "refund_fate pending",
            "merchant_funds none",
            "merchant_funds full",
            "pay_status off",
            "pay_status on",
            "wide_states off",
            "wide_states on",
            "spaced on",
            "encrypted_callbacks on",
            "odd_times on",
            "random_discount on",
            "points_pay_all on",
            "auth_means free",
        ],
        calm: &["refund_fate success", "merchant_funds full", "pay_status on", "points_pay_all off", "auth_means ukey"],
    },
    Habits {
        channel: "cmb",
        methods: None,
        magic: Magic { prefix: "6299", len: 19, kinds: &["01", "02", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12"] },
        weather: &[
            "refund_fate success",
            "refund_fate success",
            "refund_fate fail",
            "refund_fate pending",
            "refund_release",
            "merchant_funds none",
            "merchant_funds full",
            "undo_fate fail",
            "undo_fate success",
            "refuse pay SYSTERM_ERROR",
            "after reverse SYSTERM_ERROR",
            "after refund SYSTERM_ERROR",
        ],
        calm: &["refund_fate success", "refund_release", "merchant_funds full", "undo_fate success"],
    },
];

//! A store's own page (码牌, `/q/{code}`): what may be paid there, and the order that one load of the page makes. The load is named by a signed
//! number that becomes the order's number, so that whatever is sent again of it finds the same order.

use super::candidates::missing_fields;
use super::cashier::Arrival;
use super::directory::MerchantEntry;
use super::place_order::{OrderRequest, Placed, fingerprint};
use super::{Code, Gateway, Refused};
use crate::domain::choice::CASHIER;
use crate::domain::life::Life;
use crate::domain::merchant::StoreRecord;
use crate::domain::route::{AccountView, Dropped};
use crate::domain::typed::AMOUNT_MAX;
use crate::domain::{OrderId, store_code};
use crate::store::{Answer, ClaimKey, Kind, Query};
use serde_json::{Map, json};
use sluice_contract::{Fen, Method, Millis};
use std::sync::Arc;

/// A page may be left open this long before it is loaded again.
const LOAD_LIFE_S: i64 = 86_400;
/// `Q`, the time, and eighty random bits.
const NUMBER_LEN: usize = 1 + 8 + 16;
const SUBJECT_CHARS_MAX: usize = 127;

/// What a code opens.
#[derive(Clone)]
pub struct Door {
    pub code: String,
    pub merchant: Arc<MerchantEntry>,
    pub store: StoreRecord,
}

/// One load of a store's page.
#[derive(Clone, Debug)]
pub struct Load {
    /// The merchant order number.
    pub number: String,
    made_at_s: i64,
}

/// What a payer could use at a store, and between which amounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    pub methods: Vec<Method>,
    pub amount_min: Fen,
    pub amount_max: Fen,
}

/// What the payer typed.
#[derive(Clone, Debug)]
pub struct Typed {
    pub amount: Fen,
    pub note: Option<String>,
}

impl Offer {
    /// Whether some amount that an order may have is not taken here.
    #[must_use]
    pub fn is_narrow(&self) -> bool {
        self.amount_min > Fen(1) || self.amount_max < AMOUNT_MAX
    }
}

impl Door {
    /// What the payer knows the place by.
    #[must_use]
    pub fn name(&self) -> &str {
        self.store.name.as_deref().unwrap_or(&self.merchant.merchant.name)
    }

    /// Whether payments are taken now.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.merchant.merchant.enabled && !self.store.paused
    }

    fn request(&self, number: &str, amount: Fen) -> OrderRequest {
        OrderRequest {
            merchant_order_no: number.to_owned(),
            amount,
            subject: self.name().chars().take(SUBJECT_CHARS_MAX).collect(),
            method: CASHIER.to_owned(),
            store: Some(self.store.id.clone()),
            static_code: true,
            // Whatever is typed: the load is what is the same.
            fingerprint: fingerprint(&json!({"store_page": number})),
            ..OrderRequest::default()
        }
    }
}

impl Gateway {
    /// The store of a code as somebody typed it.
    #[must_use]
    pub fn door(&self, code: &str) -> Option<Door> {
        let (directory, code) = (self.directory.load(), store_code::read(code)?);
        let (merchant_id, store_id) = directory.store_codes.get(&code)?;
        let merchant = directory.merchant(merchant_id)?;
        let store = merchant.stores.iter().find(|store| store.id == *store_id)?.clone();
        Some(Door { code, merchant: Arc::clone(merchant), store })
    }

    /// Where a code's page is.
    #[must_use]
    pub fn door_url(&self, code: &str) -> String {
        format!("{}/q/{code}", self.public_url)
    }

    /// A new load's name, for its form.
    #[must_use]
    pub fn new_load(&self, door: &Door) -> String {
        let chance = hex::encode(self.random::<10>());
        let number = format!("Q{:08x}{}", self.now().second().0, chance.get(..16).unwrap_or_default());
        let proof = self.sealer.token("load", &format!("{}\n{number}", door.code));
        format!("{number}{proof}")
    }

    /// A load of this store's page, of whatever age.
    #[must_use]
    pub fn load(&self, door: &Door, name: &str) -> Option<Load> {
        let (number, proof) = name.split_at_checked(NUMBER_LEN)?;
        let is_ours = self.sealer.knows_token("load", &format!("{}\n{number}", door.code), proof);
        let made_at_s = i64::from_str_radix(number.get(1..9)?, 16).ok()?;
        is_ours.then(|| Load { number: number.to_owned(), made_at_s })
    }

    /// Whether a load may still make an order.
    #[must_use]
    pub fn is_fresh(&self, load: &Load) -> bool {
        self.now().since_ms(Millis(load.made_at_s.saturating_mul(1000))) <= LOAD_LIFE_S.saturating_mul(1000)
    }

    /// The order that a load has made.
    ///
    /// # Errors
    /// The store could not be read.
    pub async fn order_of_load(&self, door: &Door, load: &Load) -> Result<Option<Life>, Refused> {
        let key = ClaimKey { merchant_id: door.merchant.merchant.id.clone(), kind: Kind::Order, number: load.number.clone() };
        let Answer::Claim(Some(target)) = self.store.read(Query::Claim(key)).await.map_err(Refused::from)? else { return Ok(None) };
        let id = OrderId::parse(&target).ok_or_else(|| Refused::inner("a claim names no order"))?;
        let life = self.life(&id).await?;
        let put_away = || Refused::new(Code::OrderConflict, "this page was paid long ago; load it again");
        life.map(Some).ok_or_else(put_away)
    }

    /// Places the order of a load, for the cashier: its payer's app decides the method.
    ///
    /// # Errors
    /// As of any order.
    pub async fn place_of_load(&self, door: &Door, load: &Load, typed: &Typed, arrival: &Arrival) -> Result<Placed, Refused> {
        let note = typed.note.as_ref().map(|note| ("note".to_owned(), json!(note)));
        let request = OrderRequest {
            client_ip: arrival.client_ip.clone(),
            metadata: Map::from_iter(note),
            ..door.request(&load.number, typed.amount)
        };
        self.place_order(&door.merchant.merchant.id, &request, None).await
    }

    /// What a payer could use here, of these. Which limits are full is not asked.
    ///
    /// # Errors
    /// Nothing can be sealed.
    pub fn offer(&self, door: &Door, among: &[Method]) -> Result<Option<Offer>, Refused> {
        let directory = self.directory.load_full();
        // One fen: an account that takes more only is told apart from one that takes nothing.
        let request = door.request("", Fen(1));
        let id = OrderId::new(self.now(), self.random());
        let errand = self.errand(&directory, &door.merchant, request, &id, &Arrival::default())?;
        let draft = self.draft(&door.merchant.merchant.id, &errand.request, None, &id, self.now(), &errand.pay_order)?;
        let mut offer: Option<Offer> = None;
        for method in among {
            let walk = errand.walk(&draft, *method, 1);
            let decision = self.would_decide(&walk);
            let takes = |id: &str| {
                let account = directory.account(id)?;
                let lacking = missing_fields(account.channel.profile().method(*method)?, walk.request);
                let can = lacking.is_empty() || self.could_identify(account, &walk);
                can.then(|| account.view())
            };
            let open = decision.considered.iter().filter(|line| matches!(line.dropped, None | Some(Dropped::AmountOutOfRange)));
            let views: Vec<AccountView<'_>> = open.filter_map(|line| takes(&line.account)).collect();
            let range = views.iter().map(|view| view.amount_min).min().zip(views.iter().map(|view| view.amount_max.min(AMOUNT_MAX)).max());
            let Some((amount_min, amount_max)) = range else { continue };
            let so_far = offer.get_or_insert_with(|| Offer { methods: Vec::new(), amount_min, amount_max });
            so_far.methods.push(*method);
            so_far.amount_min = so_far.amount_min.min(amount_min);
            so_far.amount_max = so_far.amount_max.max(amount_max);
        }
        Ok(offer)
    }
}

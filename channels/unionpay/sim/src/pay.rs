//! Orders that wait for the payer: front forms, app orders, QR codes (pack §2.1 to §2.3).

use crate::fail::Fail;
use crate::message::Ask;
use crate::order::{Order, Product};
use crate::serve::{Answer, fields};
use crate::sign::Fields;
use crate::sim::UnionpaySim;
use sluice_contract::{Fen, Millis};
use sluice_simkit::State;

impl UnionpaySim {
    /// A browser brings a form: only now the order exists. The same form again, while nothing was paid, is the same order
    /// opened again; any other use of its number is a duplicate.
    pub(crate) fn front(&mut self, form: &Fields, now: Millis) -> Result<String, Fail> {
        self.envelope(form)?;
        let ask = Ask::of(form);
        let product = match (ask.must("txnType")?, ask.must("txnSubType")?, ask.must("bizType")?, ask.channel_type()?) {
            ("01", "01", "000201", "07") => Product::Web,
            ("01", "01", "000201", "08") => Product::Wap,
            ("01", "01", "000202", "07") => Product::B2b,
            _ => return Err(Fail::of("32")),
        };
        let number = ask.number("orderId")?;
        let known = self.orders.get(number).filter(|order| form.get("signature") == Some(&order.signature));
        if known.is_some() && self.state_of(number) == Some(State::Created) {
            return Ok(number.to_owned());
        }
        let (total, order) = self.new_order(&ask, form, product, now)?;
        self.admit(number, total, order, now);
        self.early(number, now);
        Ok(number.to_owned())
    }

    /// A `tn` for the payer's SDK; it says nothing about payment.
    pub(crate) fn order_app(&mut self, ask: &Ask<'_>, form: &Fields, now: Millis) -> Answer {
        if ask.channel_type()? != "08" {
            return Err(Fail::format("channelType"));
        }
        let number = ask.number("orderId")?;
        let (total, order) = self.new_order(ask, form, Product::App, now)?;
        let tn = self.draw.digits(21);
        self.open_link(number, total, order, &tn, now);
        Ok(fields([("tn", tn)]))
    }

    /// One code, one order.
    pub(crate) fn apply(&mut self, ask: &Ask<'_>, form: &Fields, now: Millis) -> Answer {
        ask.channel_type()?;
        let number = ask.number("orderId")?;
        let (total, order) = self.new_order(ask, form, Product::Qr, now)?;
        let tail = self.draw.digits(30);
        self.open_link(number, total, order, &tail, now);
        Ok(fields([("qrCode", format!("https://qr.95516.com/00010000/{tail}"))]))
    }

    /// Reads and checks an order whose number must be free.
    pub(crate) fn new_order(&self, ask: &Ask<'_>, form: &Fields, product: Product, now: Millis) -> Result<(Fen, Order), Fail> {
        let number = ask.number("orderId")?;
        let total = ask.amount()?;
        self.sensitive(ask)?;
        // A number that is known is a duplicate whatever its time: a late repeat must not look like a fresh refusal (our choice).
        if self.is_used(number) {
            return Err(Fail::of("12"));
        }
        ask.fresh_time(now, self.options.time_window_s)?;
        Ok((total, Order::read(ask, form, product, now, self.options.life_without_timeout_s)?))
    }

    fn open_link(&mut self, number: &str, total: Fen, mut order: Order, link: &str, now: Millis) {
        order.link = Some(link.to_owned());
        self.links.insert(link.to_owned(), number.to_owned());
        self.admit(number, total, order, now);
        self.early(number, now);
    }

    /// Paid the moment it is created, so that its notice is due before its answer was read (pack §8.9).
    fn early(&mut self, number: &str, now: Millis) {
        if self.pay_on_create {
            self.capture(number, &[], "00", now);
        }
    }
}

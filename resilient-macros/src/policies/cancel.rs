//! `#[cancel]`: what is inside races a signal.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use syn::Expr;
use syn::spanned::Spanned;

use crate::fragment::{Context, Fragment};
use crate::function::Function;
use crate::key::{self, Key, Positional, Sort};
use crate::policy::{Common, Facts, Kind, Layer};
use crate::reads::reads_nothing_of_the_call;
use crate::settings::Settings;
use crate::source::{Source, borrow, operand};
use crate::value::no_literal;
use crate::wording::as_written;

pub(crate) const KIND: Kind = Kind {
    name: "cancel",
    keys: &[
        Key::usage("on", "on = self.token", Sort::Expression(token))
            .takes("expression")
            .absent("required")
            .means("the token"),
        key::mode().means("`\"observe\"` counts the calls that it would stop; `\"off\"` does nothing"),
        key::name("name = \"search\"").means("stands in rejections and events"),
        key::CRATE,
    ],
    positional: Positional::Is("on"),
    renamed: &[],
    only_async: Some("a body that blocks cannot be interrupted"),
    parse,
};

struct Cancel {
    common: Common,
    token: Expr,
}

fn parse(settings: &Settings<'_>) -> Vec<Box<dyn Layer>> {
    let span = settings.attribute.span();
    let Some(token) = settings.expression("on") else {
        if settings.span("on").is_none() && settings.understood {
            let message = "cancelled by what? write `#[cancel(on = token)]`, with a token that has a `cancelled()`";
            settings.errors.at(span, message);
        }
        return Vec::new();
    };
    let constructor = settings.constructor("Cancel").call("on", "signal", &as_written(&token));
    let common = Common::new(KIND.name, settings, Source::Own { ty: "Cancel", constructor });
    // the token may be one of the arguments, or in one
    let reads_arguments = reads_nothing_of_the_call(&token, settings.function).is_err();
    vec![Box::new(Cancel { common: Common { reads_arguments, ..common }, token })]
}

fn token(token: &Expr, _: &Function) -> syn::Result<()> {
    no_literal(token, "`on` takes a cancellation token: write `on = self.token`")?;
    let Some(call) = future_called(token) else { return Ok(()) };
    let message = format!(
        "`on` takes a token that has a `cancelled()`, and this is a future: let a task cancel a `CancellationToken` when `{call}` ends"
    );
    Err(syn::Error::new_spanned(token, message))
}

/// The call, if it is one of the well-known futures that could be meant to end the call.
fn future_called(token: &Expr) -> Option<String> {
    const FUTURES: &[&str] = &["changed", "ctrl_c", "notified", "recv", "sleep", "sleep_until"];
    let name = match token {
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) => &path.path.segments.last()?.ident,
            _ => return None,
        },
        Expr::MethodCall(call) => &call.method,
        _ => return None,
    };
    FUTURES.iter().any(|future| name == future).then(|| as_written(token))
}

impl Cancel {
    /// Returns whether the token is made by an expression, which is evaluated while the arguments are there.
    fn is_made(&self) -> bool {
        !matches!(self.token, Expr::Path(_) | Expr::Field(_) | Expr::Reference(_) | Expr::Unary(_))
    }
}

impl Layer for Cancel {
    fn common(&self) -> &Common {
        &self.common
    }

    fn facts(&self) -> Facts {
        Facts { refuses: true, identity: Some(self.token.to_token_stream().to_string()), ..Facts::default() }
    }

    fn declare(&self, context: &Context<'_>) -> TokenStream {
        let declaration = self.common.declare(context);
        let token = self.is_made().then(|| {
            let (token, made) = (context.own("token"), borrow(&self.token));
            quote_spanned!(Span::mixed_site()=> let #token = #made;)
        });
        quote_spanned!(Span::mixed_site()=> #declaration #token)
    }

    // Input:  run((…), future)
    // Output: run((CANCEL_.on(token.cancelled()), …), future)
    fn wrap(&self, inside: Fragment, context: &Context<'_>) -> Fragment {
        let span = Span::mixed_site();
        let policy = context.receiver();
        let token = if self.is_made() { context.own("token").into_token_stream() } else { operand(&self.token) };
        let signal = quote_spanned!(self.token.span().resolved_at(span)=> #token.cancelled());
        inside.under(quote_spanned!(span=> #policy.on(#signal)), context)
    }
}

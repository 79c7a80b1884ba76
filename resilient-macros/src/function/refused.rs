//! The messages about items that no policy can wrap.

use proc_macro2::{TokenStream, TokenTree};
use syn::parse::{ParseStream, Parser};
use syn::visit::Visit;
use syn::{Attribute, GenericArgument, PathArguments, ReturnType, Signature, Token, Type, Visibility};

use crate::tokens::mention;
use crate::wording::type_as_written;

/// The message for an item that is no function at all.
pub(super) fn not_a_function(attribute: &str, item: TokenStream) -> Option<syn::Error> {
    let parser = |input: ParseStream<'_>| {
        input.call(Attribute::parse_outer)?;
        input.parse::<Visibility>()?;
        input.parse::<Option<Token![unsafe]>>()?;
        let keyword: TokenTree = input.parse()?;
        input.parse::<TokenStream>()?;
        Ok(keyword)
    };
    let keyword = parser.parse2(item).ok()?;
    let each = match attribute {
        "resilient" => "put it on each `async fn` inside".to_owned(),
        policy => {
            format!("put it on each `async fn` inside, and `#[enforce({policy})]` here, which makes sure of that")
        }
    };
    let advice = match keyword.to_string().as_str() {
        "impl" | "trait" | "mod" => each.as_str(),
        "struct" | "enum" | "union" | "type" | "static" | "const" | "use" | "let" | "macro_rules" | "extern" => {
            "put it on an `async fn`"
        }
        _ => return None,
    };
    Some(syn::Error::new(keyword.span(), format!("`#[{attribute}]` wraps a function, not `{keyword}`: {advice}")))
}

/// The message for a plain function that is none that blocks.
pub(super) fn not_blocking(attribute: &str, signature: &Signature, body: &TokenStream) -> Option<String> {
    let name = &signature.ident;
    if was_async(body) {
        return Some(format!(
            "`#[{attribute}]` needs an `async fn`, and an attribute above, such as `#[tokio::main]` or `#[tokio::test]`, has made this a plain one: put `#[{attribute}]` above it"
        ));
    }
    if signature.generics.lifetimes().any(|own| own.lifetime.ident == "async_trait") {
        return Some(format!(
            "an attribute above, such as `#[tracing::instrument]`, has rewritten what `#[async_trait]` made of this function: put `#[{attribute}]` above that attribute"
        ));
    }
    if signature.constness.is_some() {
        return Some(format!(
            "`#[{attribute}]` does its work while the program runs, and a `const fn` may run in the compiler: write `fn {name}`, or remove the attribute"
        ));
    }
    future_output(&signature.output).map(|output| {
        format!(
            "`#[{attribute}]` needs an `async fn`, which is a function of its future's output: write `async fn {name}(…) -> {}`",
            type_as_written(output)
        )
    })
}

/// Returns whether another macro has made the body of that of an `async fn`: the user has not written its `block_on`.
fn was_async(body: &TokenStream) -> bool {
    let place = mention(body.clone(), "block_on");
    place.and_then(|place| place.source_text()).is_some_and(|written| written != "block_on")
}

/// `T` of an `impl Future<Output = T>` or a `BoxFuture<'_, T>`, boxed or not.
pub(crate) fn future_output(output: &ReturnType) -> Option<&Type> {
    struct Search<'ast>(Option<&'ast Type>);
    impl<'ast> Visit<'ast> for Search<'ast> {
        fn visit_path_segment(&mut self, segment: &'ast syn::PathSegment) {
            let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return };
            let name = segment.ident.to_string();
            let of = |argument: &'ast GenericArgument| match argument {
                GenericArgument::AssocType(assigned) if assigned.ident == "Output" => Some(&assigned.ty),
                GenericArgument::Type(ty) if name.ends_with("BoxFuture") => Some(ty),
                _ => None,
            };
            let found = arguments.args.iter().find_map(of).filter(|_| name.ends_with("Future"));
            self.0 = self.0.or(found);
            if self.0.is_none() {
                syn::visit::visit_path_segment(self, segment);
            }
        }

        // the future of a function that is returned is that one's
        fn visit_type_fn_ptr(&mut self, _: &'ast syn::TypeFnPtr) {}
    }

    let mut search = Search(None);
    search.visit_return_type(output);
    search.0
}

//! The annotated function: its signature, its body's statements, and where new ones go.
//!
//! Only the attributes and the signature are parsed; the statements stay tokens, so that a half-typed body is reported
//! by the compiler, at its own place, and the editor goes on working.

mod binding;
mod boxed;
mod cloned;
mod refused;

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::spanned::Spanned;
use syn::visit_mut::VisitMut;
use syn::{
    Attribute, FnArg, Ident, Lifetime, Meta, Pat, Path, ReceiverKind, ReturnType, Signature, Stmt, Token, Type,
    Visibility, token,
};

pub(crate) use self::binding::{Binding, conditions, may_drop};
use self::binding::{bindings_of_argument, bindings_of_statement, owned_self};
use self::boxed::boxed;
use self::cloned::{RequireClone, clone_bound, is_bounded_by_clone};
pub(crate) use self::refused::future_output;
use self::refused::{not_a_function, not_blocking};
use crate::diagnostic::Errors;
use crate::tokens::{mentions, placed};
use crate::types::{Part, argument, exclusive_reference, named, parts};
use crate::wording::type_as_written;

/// An `async fn`, the boxed form that `#[async_trait]` makes of one, or a function that blocks.
pub(crate) struct Function {
    /// Set if it is no future: its body blocks the thread, and so do the policies around it.
    pub(crate) blocks: bool,
    /// The outer attributes that are not policies.
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    /// The arguments that were marked `#[each]`, by their place.
    pub(crate) each: Vec<usize>,
    /// The type that the body evaluates to, with `_` for each `impl Trait`.
    pub(crate) output: Type,
    /// `self`, where the body owns it and calls it so.
    pub(crate) this: Option<Binding>,
    /// The names that the arguments bind.
    pub(crate) bindings: Vec<Binding>,
    /// The attributes that were collected into the stack, so that their names still count as used.
    pub(crate) collected: Vec<Path>,
    /// The patterns of arguments that the block that owns them takes apart, by their place.
    pub(crate) patterns: Vec<(usize, Pat)>,
    /// Items for the beginning of the body, which fail to compile where a constant breaks a rule.
    pub(crate) assertions: Vec<TokenStream>,
    /// The limits that rules set to values, for the list of policies: `retry(max <= 5)`.
    pub(crate) limits: Vec<String>,
    inner_attributes: Vec<Attribute>,
    /// The user's statements.
    statements: TokenStream,
    frame: Frame,
    brace: token::Brace,
}

/// The code around the user's statements in the function's body.
enum Frame {
    Plain,
    /// `Box::pin(async move { before let ret: Output = { … }; after })`
    Boxed {
        constructor: TokenStream,
        before: Vec<Stmt>,
        binding: TokenStream,
        after: TokenStream,
    },
}

/// A function as it was written: plain, or in the form of another macro.
struct Written {
    output: Type,
    this: Option<Binding>,
    bindings: Vec<Binding>,
    /// The user's statements.
    statements: TokenStream,
    frame: Frame,
}

impl Function {
    /// Parses the item under the attribute; the error says why it is no function that `attribute` could wrap. Rules wrap none, so that they take any.
    pub(crate) fn parse(attribute: &str, item: TokenStream, errors: &Errors) -> syn::Result<Self> {
        let (head, statements) = without_statements(item.clone());
        let parsed: Parsed = match syn::parse2(head) {
            Ok(parsed) => parsed,
            Err(error) => return Err(not_a_function(attribute, item).unwrap_or(error)),
        };
        let Parsed { attributes, visibility, mut signature, body } = parsed;
        Ungroup.visit_signature_mut(&mut signature);
        let body = body.map(|(brace, parsed)| (brace, statements.unwrap_or(parsed)));
        let each = take_each(&mut signature, errors);
        let Some((brace, body)) = body else {
            let message = format!(
                "`#[{attribute}]` needs a body to wrap: put it on the method in each `impl`, or give this one a default body"
            );
            return Err(syn::Error::new(signature.ident.span(), message));
        };
        let is_async = signature.asyncness.is_some();
        let (inner_attributes, statements) = inner_attributes(body.clone())?;
        let written = if is_async { None } else { boxed(&signature, &statements) };
        let is_plain = !is_async && written.is_none();
        let refused = if is_plain { not_blocking(attribute, &signature, &body) } else { None };
        let blocks = is_plain && refused.is_none();
        if let Some(message) = refused.filter(|_| !is_rule(attribute)) {
            errors.at(signature.fn_token.span, message);
        }
        let Written { output, this, bindings, statements, frame } =
            written.unwrap_or_else(|| plain(&signature, statements));
        Ok(Self {
            blocks,
            attributes,
            visibility,
            signature,
            each,
            output,
            this,
            bindings,
            collected: Vec::new(),
            patterns: Vec::new(),
            assertions: Vec::new(),
            limits: Vec::new(),
            inner_attributes,
            statements,
            frame,
            brace,
        })
    }

    /// The function's name.
    pub(crate) fn name(&self) -> &Ident {
        &self.signature.ident
    }

    /// The user's statements below `returns!`: in an async block of the given kind, or, in a function that blocks, in a closure.
    pub(crate) fn attempt(&self, capture: Option<Token![move]>, first: TokenStream, krate: &Path) -> TokenStream {
        let span = Span::mixed_site();
        let Self { output, .. } = self;
        let place = output.span().resolved_at(span);
        let (krate, outcome) = (placed(krate.to_token_stream(), place), self.outcome());
        let statements = self.below_statements();
        let hint = quote_spanned!(place=> #krate::returns!(#outcome););
        let block = self.in_braces(quote_spanned!(span=> #hint #first #statements));
        let body = block.span();
        if self.blocks {
            // nothing is known of a `_` output
            let is_known = !matches!(output, Type::Infer(_));
            let arrow = is_known.then(|| quote_spanned!(span=> -> #output));
            return quote_spanned!(body.resolved_at(span)=> || #arrow #block);
        }
        quote_spanned!(body.resolved_at(span)=> async #capture #block)
    }

    /// The user's statements below `disturbs!`, in a function whose policies all stand beside it.
    pub(crate) fn alone(&self, krate: &Path) -> TokenStream {
        let span = Span::mixed_site();
        let (name, outcome, statements) = (self.name().unraw().to_string(), self.outcome(), self.below_statements());
        quote_spanned!(span=> #krate::disturbs!(#name: #outcome); #statements)
    }

    /// The outcome as `returns!` takes it: its type, after `blocks:` where the function blocks.
    fn outcome(&self) -> TokenStream {
        let Self { output, .. } = self;
        let span = output.span().resolved_at(Span::mixed_site());
        let blocks = self.blocks.then(|| quote_spanned!(span=> blocks:));
        quote_spanned!(span=> #blocks #output)
    }

    /// The user's statements as they can stand below another: in a block of their own if they begin with items.
    fn below_statements(&self) -> TokenStream {
        let statements = &self.statements;
        if begins_with_item(statements) {
            self.in_braces(statements.clone()).into_token_stream()
        } else {
            statements.clone()
        }
    }

    /// The tokens in the user's own braces: their edition says when the last expression's temporaries are dropped, and the compiler
    /// points at them where a body has no outcome.
    fn in_braces(&self, tokens: TokenStream) -> Group {
        let mut block = Group::new(Delimiter::Brace, tokens);
        block.set_span(self.brace.span.join());
        block
    }

    /// The output, placed so that the compiler's caret for it is under the error type, where that is written out.
    pub(crate) fn output_at_error(&self) -> TokenStream {
        let Some(error) = self.error_type() else { return self.output.to_token_stream() };
        let error: Vec<TokenTree> = error.to_token_stream().into_iter().collect();
        let mut output: Vec<TokenTree> = self.output.to_token_stream().into_iter().collect();
        if let ([first, ..], [.., last]) = (error.as_slice(), error.as_slice())
            && let [start, .., end] = output.as_mut_slice()
        {
            start.set_span(first.span().resolved_at(start.span()));
            end.set_span(last.span().resolved_at(end.span()));
        }
        output.into_iter().collect()
    }

    /// The name of the method that takes an outcome, placed where a wrong one is to be reported: at the error type, or
    /// else at the output.
    pub(crate) fn settle(&self) -> Ident {
        self.reporting("settle")
    }

    /// As [`settle`](Self::settle), for a method of another name.
    pub(crate) fn reporting(&self, method: &str) -> Ident {
        Ident::new(method, self.place_of_outcome())
    }

    /// Returns where a wrong outcome is to be reported: at the error type, or else at the output.
    pub(crate) fn place_of_outcome(&self) -> Span {
        self.error_type().unwrap_or(&self.output).span().resolved_at(Span::mixed_site())
    }

    /// Takes the `mut` off arguments that are cloned for each attempt: only the clones are changed.
    pub(crate) fn freeze(&mut self, names: &[Ident]) {
        struct Freeze<'a>(&'a [Ident]);
        impl VisitMut for Freeze<'_> {
            fn visit_pat_ident_mut(&mut self, pattern: &mut syn::PatIdent) {
                if self.0.contains(&pattern.ident) && pattern.by_ref.is_none() {
                    pattern.mutability = None;
                }
                syn::visit_mut::visit_pat_ident_mut(self, pattern);
            }
        }

        let mut freeze = Freeze(names);
        self.signature.inputs.iter_mut().for_each(|argument| freeze.visit_fn_arg_mut(argument));
        if let Frame::Boxed { before, .. } = &mut self.frame {
            for statement in before {
                freeze.visit_stmt_mut(statement);
            }
        }
    }

    /// Changes what its callers get; the body's own output stays.
    pub(crate) fn returns(&mut self, output: Type) {
        let arrow = match &self.signature.output {
            ReturnType::Default => Token![->](Span::mixed_site()),
            ReturnType::Type(arrow, _) => *arrow,
        };
        self.signature.output = ReturnType::Type(arrow, Box::new(output));
    }

    /// The function with `statements` in place of the user's.
    pub(crate) fn with_statements(&self, statements: TokenStream) -> TokenStream {
        let mut tokens = TokenStream::new();
        self.attributes.iter().for_each(|attribute| attribute.to_tokens(&mut tokens));
        self.visibility.to_tokens(&mut tokens);
        self.signature.to_tokens(&mut tokens);
        self.brace.surround(&mut tokens, |body| {
            self.inner_attributes.iter().for_each(|attribute| attribute.to_tokens(body));
            // expands to nothing; it is the use of an import that the attribute, now gone, was
            for path in &self.collected {
                body.extend(crate::family::remains(path));
            }
            body.extend(self.assertions.iter().cloned());
            match &self.frame {
                Frame::Plain => body.extend(statements),
                Frame::Boxed { constructor, before, binding, after } => {
                    let span = Span::mixed_site();
                    body.extend(quote_spanned! {span=>
                        #constructor(async move { #(#before)* #binding { #statements }; #after })
                    });
                }
            }
        });
        tokens
    }

    /// The user's statements as they were written.
    pub(crate) fn statements(&self) -> &TokenStream {
        &self.statements
    }

    /// The function as the user wrote it, without its policies.
    pub(crate) fn undecorated(&self) -> TokenStream {
        self.with_statements(self.statements.clone())
    }

    /// Returns how the body says `self`: `#[async_trait]` has given it another name.
    pub(crate) fn this(&self, receiver: &syn::Receiver) -> TokenStream {
        let renamed = match &self.frame {
            Frame::Plain => None,
            Frame::Boxed { before, .. } => {
                before.iter().flat_map(bindings_of_statement).find(|binding| binding.ident == "__self")
            }
        };
        renamed.map_or_else(|| receiver.self_token.to_token_stream(), |binding| binding.ident.to_token_stream())
    }

    /// Returns whether it is the boxed form that `#[async_trait]` makes.
    pub(crate) fn is_boxed(&self) -> bool {
        matches!(self.frame, Frame::Boxed { .. })
    }

    /// The outer attributes of that name.
    pub(crate) fn attributes_named(&self, name: &str) -> impl Iterator<Item = &Attribute> {
        self.attributes.iter().filter(move |attribute| attribute.path().is_ident(name))
    }

    /// Returns whether `word` occurs in the signature or the body.
    pub(crate) fn mentions(&self, word: &str) -> bool {
        mentions(self.signature.to_token_stream(), word) || mentions(self.statements.clone(), word)
    }

    /// The arguments that are references in a variable of their own, `mut word: &str`, which one run of the body could leave changed for
    /// the next; each with whether it is a `&mut`.
    pub(crate) fn changing_references(&self) -> impl Iterator<Item = (&Binding, bool)> {
        let changing = self.bindings.iter().filter(|binding| binding.mutable && binding.reference);
        changing.filter_map(|binding| Some((binding, self.is_exclusive(&binding.ident)?)))
    }

    /// The arguments that are no shared references.
    pub(crate) fn exclusive_or_owned(&self) -> impl Iterator<Item = &Ident> {
        let names = self.bindings.iter().map(|binding| &binding.ident);
        names.filter(|name| *name != "__self" && self.is_exclusive(name) != Some(false))
    }

    /// Returns whether the argument of that name is written as a `&mut`; `None` if it is written as no reference.
    fn is_exclusive(&self, name: &Ident) -> Option<bool> {
        self.signature.inputs.iter().find_map(|argument| match argument {
            FnArg::Typed(argument) => match (&*argument.pat, &*argument.ty) {
                (Pat::Ident(pattern), Type::Reference(reference)) if pattern.ident == *name => {
                    Some(reference.mutability.is_some())
                }
                _ => None,
            },
            FnArg::Receiver(_) => None,
        })
    }

    /// Everything the body owns, first to last, `self` included.
    pub(crate) fn owned(&self) -> impl Iterator<Item = &Binding> {
        self.this.iter().chain(&self.bindings).filter(|binding| !binding.reference)
    }

    /// The names of the arguments that each attempt can be given a clone of: what the body owns and uses.
    pub(crate) fn cloneable(&self) -> Vec<Ident> {
        let needed = self.owned().filter(|binding| binding.may_drop || binding.mutable);
        needed
            .map(|binding| binding.ident.clone())
            .filter(|name| mentions(self.statements.clone(), &name.to_string()))
            .collect()
    }

    /// Has the signature say that the arguments of these names are `Clone`, where their types are of the caller's choice.
    pub(crate) fn require_clone(&mut self, names: &[Ident]) {
        if self.is_boxed() {
            return;
        }
        let mut require = RequireClone { chosen: Vec::new() };
        for argument in &mut self.signature.inputs {
            if let FnArg::Typed(argument) = argument
                && names.iter().any(|name| mentions(argument.pat.to_token_stream(), &name.to_string()))
            {
                require.visit_type_mut(&mut argument.ty);
            }
        }
        let unbounded = |parameter: &Ident| {
            require.chosen.contains(parameter) && !is_bounded_by_clone(parameter, &self.signature.generics)
        };
        let parameters: Vec<Ident> =
            self.signature.generics.type_params().map(|own| own.ident.clone()).filter(unbounded).collect();
        for own in self.signature.generics.type_params_mut().filter(|own| parameters.contains(&own.ident)) {
            own.bounds.push(clone_bound());
        }
    }

    /// Has the body call its own clone of `self` by another name, since nothing can be declared as `self`.
    pub(crate) fn rename_self(&mut self, name: &Ident) {
        self.statements = with_self_renamed(std::mem::take(&mut self.statements), name);
        if let Some(FnArg::Receiver(receiver)) = self.signature.inputs.first_mut() {
            receiver.mutability = None;
        }
    }

    /// Gives the arguments that have no name one, so that the body can own them too.
    ///
    /// Returns whether there are such arguments.
    pub(crate) fn name_unnamed(&mut self) -> bool {
        let before = self.bindings.len();
        for (index, argument) in self.signature.inputs.iter_mut().enumerate() {
            let FnArg::Typed(argument) = argument else { continue };
            if let (Pat::Wild(_), true) = (&*argument.pat, may_drop(&argument.ty)) {
                let ident = Ident::new(&format!("_argument{index}_"), Span::mixed_site());
                let place = self.bindings.iter().take_while(|binding| binding.argument < index).count();
                self.bindings.insert(place, Binding::new(ident.clone(), index).of(&argument.ty, &argument.attrs));
                *argument.pat = syn::parse_quote_spanned!(Span::mixed_site()=> #ident);
            }
        }
        self.bindings.len() > before
    }

    /// The first `&mut` in the output.
    pub(crate) fn mutable_reference_in_output(&self) -> Option<&syn::TypeReference> {
        exclusive_reference(&self.output)
    }

    /// A `&mut` that the output borrows from, as `Transaction<'_>` does from `&mut self`: how it is written, and where the output says so.
    pub(crate) fn exclusive_borrow_in_output(&self) -> Option<(String, Span)> {
        let span = self.borrow_in_output()?;
        let lifetimes: Vec<&Ident> = parts(&self.output)
            .into_iter()
            .filter_map(|part| if let Part::Lifetime(lifetime) = part { Some(&lifetime.ident) } else { None })
            .filter(|name| *name != "_" && *name != "static")
            .collect();

        let references: Vec<(String, Option<&Lifetime>, bool)> =
            self.signature.inputs.iter().filter_map(reference).collect();
        let of_the_output =
            |(_, lifetime, _): &&(String, Option<&Lifetime>, bool)| match (lifetimes.as_slice(), lifetime) {
                ([], _) => true,
                (among, Some(lifetime)) => among.contains(&&lifetime.ident),
                (_, None) => false,
            };
        // an elided lifetime is that of `self`, or of the only reference
        let candidates: Vec<_> = references.iter().filter(of_the_output).collect();
        let lent = candidates
            .iter()
            .find(|(name, ..)| name == "self")
            .or(candidates.first().filter(|_| candidates.len() == 1))?;
        lent.2.then(|| (if lent.0 == "self" { "&mut self".to_owned() } else { lent.0.clone() }, span))
    }

    /// Places at which the output borrows from an argument, as far as its type shows that.
    pub(crate) fn borrow_in_output(&self) -> Option<Span> {
        borrow_in(&self.output)
    }

    /// Returns the head of the `async fn` that it could be, if it is none: `async fn fetch(…) -> T`, of one that returns a future.
    pub(crate) fn as_async(&self) -> Option<String> {
        let name = self.name();
        if self.blocks {
            return Some(format!("async fn {name}"));
        }
        let output = future_output(&self.signature.output).filter(|_| matches!(self.frame, Frame::Plain))?;
        let is_plain = self.signature.asyncness.is_none();
        is_plain.then(|| format!("async fn {name}(…) -> {}", type_as_written(output)))
    }

    /// The error type, where the output is written as a `Result` with two arguments.
    pub(crate) fn error_type(&self) -> Option<&Type> {
        argument(named(&self.output, "Result")?, 1)
    }
}

/// Returns whether the attribute is about policies and is none.
fn is_rule(attribute: &str) -> bool {
    attribute == "enforce" || attribute == "exempt"
}

/// Places at which the type borrows, as far as it shows that: at a lifetime that is not `'static`, or where one is elided.
pub(crate) fn borrow_in(ty: &Type) -> Option<Span> {
    parts(ty).into_iter().find_map(|part| match part {
        Part::Lifetime(lifetime) if lifetime.ident != "static" => Some(lifetime.span()),
        Part::Reference(reference) if reference.lifetime.is_none() => Some(reference.span()),
        _ => None,
    })
}

/// An item as far as it has to be parsed.
struct Parsed {
    attributes: Vec<Attribute>,
    visibility: Visibility,
    signature: Signature,
    body: Option<(token::Brace, TokenStream)>,
}

impl Parse for Parsed {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let signature = input.parse()?;
        let body = if input.peek(Token![;]) {
            input.parse::<Token![;]>()?;
            None
        } else {
            let content;
            let brace = syn::braced!(content in input);
            Some((brace, content.parse()?))
        };
        Ok(Self { attributes, visibility, signature, body })
    }
}

/// A function as the user wrote it.
fn plain(signature: &Signature, statements: TokenStream) -> Written {
    Written {
        output: match &signature.output {
            ReturnType::Default => syn::parse_quote_spanned!(signature.ident.span()=> ()),
            ReturnType::Type(_, output) => inferred((**output).clone()),
        },
        this: signature.receiver().and_then(owned_self),
        bindings: signature.inputs.iter().enumerate().flat_map(bindings_of_argument).collect(),
        statements,
        frame: Frame::Plain,
    }
}

/// The attributes at the beginning of the body, and the rest of it.
fn inner_attributes(body: TokenStream) -> syn::Result<(Vec<Attribute>, TokenStream)> {
    let mut start = body.clone().into_iter();
    match (start.next(), start.next()) {
        (Some(TokenTree::Punct(hash)), Some(TokenTree::Punct(not)))
            if hash.as_char() == '#' && not.as_char() == '!' =>
        {
            let split = |input: ParseStream<'_>| Ok((Attribute::parse_inner(input)?, input.parse()?));
            split.parse2(body)
        }
        _ => Ok((Vec::new(), body)),
    }
}

/// Returns whether the statements may begin with items, which are usually written first.
fn begins_with_item(statements: &TokenStream) -> bool {
    const BEGINNINGS: &str = "const enum extern fn impl macro_rules mod pub static struct trait type use";
    match statements.clone().into_iter().next() {
        Some(TokenTree::Ident(ident)) => BEGINNINGS.split(' ').any(|beginning| ident == beginning),
        Some(TokenTree::Punct(punct)) => punct.as_char() == '#',
        _ => false,
    }
}

/// The item with an empty body, and the body's statements if it has some: so they are not taken apart, however long they are.
fn without_statements(item: TokenStream) -> (TokenStream, Option<TokenStream>) {
    let mut tokens: Vec<TokenTree> = item.into_iter().collect();
    let mut statements = None;
    if let Some(TokenTree::Group(body)) = tokens.last_mut()
        && body.delimiter() == Delimiter::Brace
    {
        statements = Some(body.stream());
        let mut empty = Group::new(Delimiter::Brace, TokenStream::new());
        empty.set_span(body.span());
        *body = empty;
    }
    (tokens.into_iter().collect(), statements)
}

/// Takes the `#[each]` marks off the arguments.
fn take_each(signature: &mut Signature, errors: &Errors) -> Vec<usize> {
    let mut each = Vec::new();
    for (index, argument) in signature.inputs.iter_mut().enumerate() {
        let FnArg::Typed(argument) = argument else { continue };
        let marks = argument.attrs.len();
        argument.attrs.retain(|attribute| {
            let is_mark = attribute.path().is_ident("each");
            if is_mark && !matches!(attribute.meta, Meta::Path(_)) {
                errors.over(&attribute.meta, "`#[each]` takes no arguments: write `#[each]`");
            }
            !is_mark
        });
        if argument.attrs.len() < marks {
            each.push(index);
        }
    }
    each
}

/// The tokens with `name` for `self`, but for those of items inside, whose `self` is another.
fn with_self_renamed(tokens: TokenStream, name: &Ident) -> TokenStream {
    let mut in_item = false;
    let renamed = tokens.into_iter().map(|token| match token {
        TokenTree::Ident(ident) if ident == "self" && !in_item => {
            Ident::new(&name.to_string(), ident.span().resolved_at(name.span())).into()
        }
        TokenTree::Ident(ident) => {
            in_item |= ident == "impl" || ident == "trait" || ident == "fn";
            ident.into()
        }
        TokenTree::Group(group) if in_item => {
            in_item = group.delimiter() != Delimiter::Brace;
            group.into()
        }
        TokenTree::Group(group) => {
            let mut renamed = Group::new(group.delimiter(), with_self_renamed(group.stream(), name));
            renamed.set_span(group.span());
            renamed.into()
        }
        TokenTree::Punct(punct) => {
            in_item &= punct.as_char() != ';';
            punct.into()
        }
        literal @ TokenTree::Literal(_) => literal,
    });
    renamed.collect()
}

/// Takes the types that a `macro_rules!` fragment brings out of their invisible groups.
struct Ungroup;

impl VisitMut for Ungroup {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        syn::visit_mut::visit_type_mut(self, ty);
        if let Type::Group(group) = ty {
            let element = (*group.elem).clone();
            *ty = match &element {
                // under a `&`, the bounds would be those of the reference
                Type::TraitObject(_) | Type::ImplTrait(_) => Type::Paren(syn::TypeParen {
                    attrs: Vec::new(),
                    paren_token: token::Paren(group.group_token.span),
                    elem: Box::new(element),
                }),
                _ => element,
            };
        }
    }
}

/// The type with `_` for each `impl Trait`, which cannot be named in a body.
fn inferred(mut output: Type) -> Type {
    struct Infer;
    impl VisitMut for Infer {
        fn visit_type_mut(&mut self, ty: &mut Type) {
            if let Type::ImplTrait(_) = ty {
                *ty = syn::parse_quote!(_);
            }
            syn::visit_mut::visit_type_mut(self, ty);
        }
    }

    Infer.visit_type_mut(&mut output);
    output
}

/// An argument that is a reference: its name, its lifetime, and whether it is a `&mut`.
fn reference(argument: &FnArg) -> Option<(String, Option<&Lifetime>, bool)> {
    match argument {
        FnArg::Receiver(receiver) => match &receiver.kind {
            ReceiverKind::Reference(_, lifetime, mutability) => {
                Some(("self".to_owned(), lifetime.as_ref(), mutability.is_some()))
            }
            _ => None,
        },
        FnArg::Typed(argument) => match &*argument.ty {
            Type::Reference(reference) => {
                let name = argument.pat.to_token_stream().to_string();
                Some((name, reference.lifetime.as_ref(), reference.mutability.is_some()))
            }
            _ => None,
        },
    }
}

/// A reference to the object itself that the receiver `this` leads to: not to the `Arc` of a `self: &Arc<Self>`, of which the object may
/// have several.
pub(crate) fn object(receiver: &syn::Receiver, this: &TokenStream) -> TokenStream {
    let span = Span::mixed_site();
    match &receiver.kind {
        ReceiverKind::Typed(_, ty) => match &**ty {
            Type::Reference(reference) if ends_in_self(&reference.elem) => this.clone(),
            Type::Reference(_) => quote_spanned!(span=> &**#this),
            _ => quote_spanned!(span=> &*#this),
        },
        _ => this.clone(),
    }
}

fn ends_in_self(ty: &Type) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == "Self"))
}

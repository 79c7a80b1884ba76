use resilient::{Class, Classify, retry};

struct Down;

impl Classify for Down {
    fn class(&self) -> Class {
        Class::Transient
    }
}

#[retry]
async fn no_expression() -> Result<(), Down> {
    let x = ;
    Ok(())
}

#[retry]
async fn no_method(text: &str) -> Result<(), Down> {
    text.;
    Ok(())
}

#[retry]
async fn no_semicolon() -> Result<(), Down> {
    let _x = 1
    Ok(())
}

fn main() {
    let _ = no_expression();
    let _ = no_method("");
    let _ = no_semicolon();
}

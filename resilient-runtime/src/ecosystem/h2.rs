//! `h2::Error`.

use h2::Reason;

use crate::{Class, Classify};

/// By the reason, and by the side that gave it.
///
/// | error | class |
/// |---|---|
/// | I/O | that of the I/O error |
/// | `ENHANCE_YOUR_CALM` from the peer | throttled |
/// | `HTTP_1_1_REQUIRED`, `INADEQUATE_SECURITY`, `FRAME_SIZE_ERROR` from the peer: it speaks another protocol | permanent |
/// | a connection that this side gave up for bytes that are not HTTP/2 | permanent |
/// | a stream that this side reset with `INTERNAL_ERROR`: the request's own body failed | permanent |
/// | every other: a drained connection, a refused or cancelled stream, a body that broke off | transient |
impl Classify for h2::Error {
    fn class(&self) -> Class {
        if let Some(error) = self.get_io() {
            return error.class();
        }
        match self.reason() {
            Some(Reason::HTTP_1_1_REQUIRED | Reason::INADEQUATE_SECURITY) => Class::Permanent,
            Some(Reason::FRAME_SIZE_ERROR) if self.is_remote() => Class::Permanent,
            Some(Reason::ENHANCE_YOUR_CALM) if !self.is_library() => Class::Throttled { after: None },
            Some(Reason::PROTOCOL_ERROR | Reason::FRAME_SIZE_ERROR | Reason::COMPRESSION_ERROR)
                if self.is_library() && self.is_go_away() =>
            {
                Class::Permanent
            }
            Some(Reason::INTERNAL_ERROR) if is_own(self) => Class::Permanent,
            _ => Class::Transient,
        }
    }
}

/// Returns whether the code above `h2` on this side ended the stream.
fn is_own(error: &h2::Error) -> bool {
    error.is_reset() && !error.is_remote() && !error.is_library()
}

//! What is stored is there again, or it is said that it is not.

mod cuts;
mod reopening;

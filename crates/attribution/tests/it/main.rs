//! Attribution over real files: the sample datanets with the seed model's tokenizer, and public
//! data where it lies.

mod public_data;
mod samples;

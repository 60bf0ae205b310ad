//! Fine-tuning from the outside: it learns, resumes to the same bits, refuses what is foreign.

mod finetuning;
mod pretraining;

//! What the tests share: the conformance runner, the fuzz targets, an in-process network and the benches.

pub mod bench;
pub mod fuzz;
pub mod net;
pub mod replay;
pub mod site;
pub mod vectors;

//! What the tests share: the conformance runner, the fuzz targets, an in-process network and a browser driver.

pub mod fuzz;
pub mod net;
pub mod replay;
pub mod vectors;

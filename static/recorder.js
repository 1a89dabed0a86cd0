// Runs on the browser's audio thread: hands what the microphone hears to the engine's worker (the port that comes first),
// and tells the page how loud it is and how many seconds there are so far.

/** Samples in a piece: some twenty pieces a second. */
const PIECE = 2048;

class Recorder extends AudioWorkletProcessor {
  constructor() {
    super();
    this.piece = new Float32Array(PIECE);
    this.filled = 0;
    this.pieces = 0;
    this.port.onmessage = ({ data }) => {
      if (data instanceof MessagePort) this.sink = data;
      else this.end();
    };
  }

  process([channels]) {
    if (!this.sink) return !this.ended;
    // A microphone may have several channels: their mean is what is heard.
    const count = channels.length;
    for (let at = 0; count > 0 && at < channels[0].length; at++) {
      let sample = 0;
      for (const channel of channels) sample += channel[at];
      this.piece[this.filled++] = sample / count;
      if (this.filled === PIECE) this.hand();
    }
    return true;
  }

  hand() {
    const piece = this.piece.slice(0, this.filled);
    this.pieces += this.filled;
    this.filled = 0;
    let loudest = 0;
    for (const sample of piece) loudest = Math.max(loudest, Math.abs(sample));
    this.port.postMessage([loudest, this.pieces / sampleRate]);
    this.sink.postMessage(piece, [piece.buffer]);
  }

  end() {
    this.ended = true;
    if (!this.sink) return;
    if (this.filled > 0) this.hand();
    this.sink.postMessage(null);
    this.sink = undefined;
  }
}

registerProcessor("recorder", Recorder);

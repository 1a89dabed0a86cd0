// Runs the compiled measurement; a failure becomes the title too, so that whoever waits for it hears of it.
import start from './page.js';

start().catch((error) => {
  document.title = JSON.stringify({ error: String(error) });
});

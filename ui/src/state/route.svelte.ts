// Where the athlete is: the hash of the address.

export const SCREENS = ['today', 'library', 'history', 'queue', 'account', 'ride'] as const;
export type Screen = (typeof SCREENS)[number];
export type Place = { screen: Screen; id: string | null };

export function placeOf(hash: string): Place {
  const [name = '', id = ''] = hash.replace(/^#\/?/, '').split('/');
  const screen = SCREENS.find((each) => each === name) ?? 'today';
  return { screen, id: id === '' ? null : decode(id) };
}

export const hashOf = (screen: Screen, id?: string | null): string =>
  id ? `#/${screen}/${encodeURIComponent(id)}` : `#/${screen}`;

class Route {
  place = $state.raw<Place>(placeOf(location.hash));

  follow(): void {
    addEventListener('hashchange', () => (this.place = placeOf(location.hash)));
  }

  go(screen: Screen, id?: string | null): void {
    const hash = hashOf(screen, id);
    // Paging through one list leaves one step to go back, not hundreds.
    if (screen === this.place.screen && id && this.place.id !== null) location.replace(hash);
    else location.hash = hash;
    this.place = placeOf(hash);
  }
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export const route = new Route();

import type { Picture, Point } from './picture';

const [SMALLEST, LARGEST] = [0.02, 4];
const READABLE = 0.5;
const STEP = 1.25;
const DRAGGED = 4;

/** The part of a picture that is seen: it is dragged and scrolled, and zoomed by keys and by Ctrl and the wheel. */
export class Viewport {
  constructor(private readonly _element: HTMLElement) {
    _element.addEventListener('wheel', this._onWheel, { passive: false });
    _element.addEventListener('pointerdown', this._onPress);
    _element.addEventListener('keydown', this._onKey);
  }

  /** Shows a picture, no larger than it is: the whole of it, or where that cannot be read what is around `center`. */
  show(picture: Picture, center: Point): void {
    this._picture = picture;
    this.fit();
    if (this._zoom < READABLE) {
      this._apply(1);
      this.lookAt(center);
    }
  }

  /** The whole picture. */
  fit(): void {
    if (this._picture) {
      const { width, height } = this._picture;
      const { clientWidth, clientHeight } = this._element;
      this._apply(Math.min(1, clientWidth / width, clientHeight / height));
    }
  }

  zoomIn(): void {
    this._zoomTo(this._zoom * STEP);
  }

  zoomOut(): void {
    this._zoomTo(this._zoom / STEP);
  }

  /** Brings a place of the picture into the middle, large enough to be read. */
  lookAt({ x, y }: Point): void {
    this._apply(Math.max(this._zoom, 0.8));
    const { clientWidth, clientHeight } = this._element;
    const { offsetLeft, offsetTop } = this._offset();
    this._element.scrollTo(
      offsetLeft + x * this._zoom - clientWidth / 2,
      offsetTop + y * this._zoom - clientHeight / 2
    );
  }

  /** Zooms so that what lies at a point of the viewport, by default its middle, stays there. */
  private _zoomTo(
    zoom: number,
    left = this._element.clientWidth / 2,
    top = this._element.clientHeight / 2
  ): void {
    const before = this._offset();
    const x = (this._element.scrollLeft + left - before.offsetLeft) / this._zoom;
    const y = (this._element.scrollTop + top - before.offsetTop) / this._zoom;
    this._apply(zoom);
    const after = this._offset();
    this._element.scrollTo(
      after.offsetLeft + x * this._zoom - left,
      after.offsetTop + y * this._zoom - top
    );
  }

  /** How far from the edge a picture begins that is smaller than the viewport. */
  private _offset(): { offsetLeft: number; offsetTop: number } {
    const { width = 0, height = 0 } = this._picture ?? {};
    const { clientWidth, clientHeight } = this._element;
    return {
      offsetLeft: Math.max(0, (clientWidth - width * this._zoom) / 2),
      offsetTop: Math.max(0, (clientHeight - height * this._zoom) / 2)
    };
  }

  private _apply(zoom: number): void {
    if (this._picture) {
      const { svg, width, height } = this._picture;
      this._zoom = Math.min(LARGEST, Math.max(SMALLEST, zoom));
      svg.style.width = `${width * this._zoom}px`;
      svg.style.height = `${height * this._zoom}px`;
    }
  }

  private _onWheel = (event: WheelEvent): void => {
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      const { left, top } = this._element.getBoundingClientRect();
      const zoom = this._zoom * Math.exp(-event.deltaY / 300);
      this._zoomTo(zoom, event.clientX - left, event.clientY - top);
    }
  };

  /** A press that moves drags; one that does not is a click on what lies there. */
  private _onPress = (event: PointerEvent): void => {
    if (event.button !== 0) {
      return;
    }
    const element = this._element;
    const start = { left: element.scrollLeft, top: element.scrollTop };
    const ended = new AbortController();
    const onMove = (moved: PointerEvent): void => {
      const [x, y] = [moved.clientX - event.clientX, moved.clientY - event.clientY];
      if (element.hasPointerCapture(event.pointerId)) {
        element.scrollTo(start.left - x, start.top - y);
      } else if (Math.hypot(x, y) > DRAGGED) {
        element.setPointerCapture(event.pointerId);
      }
    };
    const { signal } = ended;
    element.addEventListener('pointermove', onMove, { signal });
    for (const end of ['pointerup', 'pointercancel'] as const) {
      window.addEventListener(
        end,
        () => {
          ended.abort();
        },
        { signal }
      );
    }
  };

  private _onKey = (event: KeyboardEvent): void => {
    const actions: Partial<Record<string, () => void>> = {
      '+': () => {
        this.zoomIn();
      },
      '=': () => {
        this.zoomIn();
      },
      '-': () => {
        this.zoomOut();
      },
      '0': () => {
        this.fit();
      }
    };
    const action = event.ctrlKey || event.metaKey || event.altKey ? undefined : actions[event.key];
    if (action) {
      action();
      event.preventDefault();
    }
  };

  private _picture: Picture | null = null;
  private _zoom = 1;
}

import { useEffect, useRef, useState, type RefObject } from 'react';

/** Whether an element is, or soon will be, visible. */
export function useSeen<Element extends HTMLElement>(): readonly [RefObject<Element | null>, boolean] {
  const location = useRef<Element>(null);
  const [seen, setSeen] = useState(false);
  useEffect(() => {
    const element = location.current;
    if (element === null) return undefined;
    const observer = new IntersectionObserver(([entry]) => setSeen(entry?.isIntersecting === true), {
      rootMargin: '200px',
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [location, seen];
}
